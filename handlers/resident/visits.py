from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Id, Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput, Malformed, NotFound
from server.visits.arrival import Place
from server.visits.queues.model import State as TokenState
from server.visits.service import LONGEST_WAIT_S, Shown

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z.-]{1,80}$")]


class StepView(Model):
    """Something that happened; the page has the words for `event`."""

    event: str
    at: Time
    place: str | None


class NextView(Model):
    """The next place and task: `what` is a word of the table of tasks, or of the queue (wait, go_in,
    ask_at_desk); `title` is the hospital's own, when it says one; `step` the number in the guide's B3.1.1."""

    what: str
    title: str | None
    place: str | None
    step: int | None


class QueueView(Model):
    """`position` counts from 1; null, as `ahead`, when nobody waits or the hospital tells none.  `as_of`:
    when a hospital with a queue of its own last said so; `is_silent`: it does not answer now."""

    token: str
    state: TokenState
    position: int | None
    ahead: int | None
    place: str
    called_at: Time | None
    as_of: Time | None
    is_silent: bool


class VisitView(Model):
    """`version` differs from one seen before when anything else here does: give it as `since`."""

    visit_id: str
    appointment_id: str | None
    card_id: str
    kind: str
    state: Literal["expected", "checked_in", "finished", "cancelled"]
    institution_id: str
    institution: str
    department: str
    doctor: str | None
    place: str | None
    starts_at: Time | None
    ends_at: Time | None
    registration_no: str | None
    steps: list[StepView]
    next: NextView | None
    queue: QueueView | None
    version: str

    @classmethod
    def of(cls, shown: Shown) -> "VisitView":
        visit, token, task, ahead = shown.visit, shown.token, shown.next, shown.ahead
        way = (
            None
            if task is None
            else NextView(what=task.what, title=task.title, place=task.place, step=task.step)
        )
        queue = (
            None
            if token is None
            else QueueView(
                token=token.number,
                state=token.state,
                position=None if ahead is None else ahead + 1,
                ahead=ahead,
                place=token.place,
                called_at=token.called_at,
                as_of=None if shown.heard is None else shown.heard.as_of,
                is_silent=shown.heard is not None and shown.heard.is_silent,
            )
        )
        return cls(
            visit_id=visit.visit_id,
            appointment_id=visit.appointment_id,
            card_id=visit.card_id,
            kind=visit.kind,
            state=visit.state.value,
            institution_id=visit.institution_id,
            institution=visit.institution,
            department=visit.department,
            doctor=visit.doctor,
            place=visit.place,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            registration_no=visit.registration_no,
            steps=[StepView(**step.__dict__) for step in visit.steps],
            next=way,
            queue=queue,
            version=shown.version,
        )


class VisitsOfCard(Model):
    card_id: Id


class VisitList(Model):
    visits: list[VisitView]


class VisitQuery(Model):
    since: Annotated[
        Version | None, Field(description="the version you have: others are answered at once")
    ] = None
    wait_s: Annotated[
        int, Field(ge=0, le=LONGEST_WAIT_S, description="seconds the answer may be held back while unchanged")
    ] = 0


class PhonePlace(Model):
    """Where the phone is.  Looked at and forgotten.  `system`: which of the two its coordinates are in."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0, le=100_000)]
    system: Literal["gcj02", "wgs84"] = "gcj02"


class CheckIn(Model):
    """Exactly one: the phone's place, or the text of the code at the desk."""

    place: PhonePlace | None = None
    scan: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class Visits(ResidentHandler):
    @operation("Visits of a card, newest first", query=VisitsOfCard, reply=VisitList, refuses=(NotFound,))
    async def get(self, query: VisitsOfCard) -> Ok:
        shown = await self.services.visits.list_of_card(self.session.account.account_id, query.card_id)
        return Ok(VisitList(visits=[VisitView.of(one) for one in shown]))


class OneVisit(ResidentHandler):
    @operation(
        "A visit: what has happened, the queue, the next place; waits for a change when asked to",
        query=VisitQuery,
        reply=VisitView,
    )
    async def get(self, visit_id: Id, query: VisitQuery) -> Ok:
        account_id = self.session.account.account_id
        shown = await self.services.visits.get(account_id, visit_id, query.since, query.wait_s)
        return Ok(VisitView.of(shown))


class CheckIns(ResidentHandler):
    @operation(
        "Check in by the phone's place, or by scanning the code at the desk",
        body=CheckIn,
        reply=VisitView,
        refuses=(Conflict, InvalidInput),
        idempotent=True,
    )
    async def post(self, visit_id: Id, body: CheckIn) -> Ok:
        account_id = self.session.account.account_id
        if body.place is not None and body.scan is None:
            how: Place | str = Place(**body.place.model_dump())
        elif body.scan is not None and body.place is None:
            how = body.scan
        else:
            raise Malformed("request.invalid", "give one: place or scan")
        return Ok(VisitView.of(await self.services.visits.check_in(account_id, visit_id, how)))


ROUTES = [
    ("/api/v1/visits", Visits),
    ("/api/v1/visits/{visit_id}", OneVisit),
    ("/api/v1/visits/{visit_id}/check-in", CheckIns),
]
