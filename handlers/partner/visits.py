from typing import Annotated, Literal

from pydantic import Field

from handlers.authentication import PartnerHandler
from handlers.partner.fields import HospitalId, RegistrationNo, ShortText
from handlers.requests import Created, Id, Model, Ok, Time, operation
from server.cards.pictures import as_svg
from server.core.errors import Conflict, InvalidInput, NotFound
from server.visits.guidance import Happened
from server.visits.model import Visit, Word
from server.visits.queues.hospital import QueueEvent, QueueWord
from server.visits.told import WalkIn, Which

SCOPE = "visits"


class WalkInEntry(Model):
    """Somebody without an appointment, whose card you have verified."""

    verification_id: Id
    registration_no: RegistrationNo
    department: ShortText
    department_id: HospitalId | None = None
    doctor: ShortText | None = None
    doctor_id: HospitalId | None = None
    place: ShortText | None = None


class NextPlace(Model):
    """In your words: shown to the resident as they are, so no names of people."""

    what: ShortText | None = None
    place: ShortText | None = None


class VisitEvent(Model):
    """`about` names the order it belongs to, where a visit has several; `event_id` is yours: the same one
    told again changes nothing."""

    registration_no: RegistrationNo | None = None
    visit_id: Id | None = None
    event: Literal[
        "consulted",
        "ordered",
        "prescribed",
        "paid",
        "examined",
        "report_ready",
        "dispensed",
        "finished",
    ]
    about: HospitalId | None = None
    event_id: HospitalId | None = None
    happened_at: Time | None = None
    next: NextPlace | None = None


class QueueEventEntry(Model):
    """`ahead` is how many are called before; without it `position`, which counts from 1, says the same."""

    registration_no: RegistrationNo | None = None
    visit_id: Id | None = None
    event: QueueEvent
    queue_id: HospitalId
    token_no: HospitalId | None = None
    position: Annotated[int, Field(ge=1, le=100_000)] | None = None
    ahead: Annotated[int, Field(ge=0, le=100_000)] | None = None
    place: ShortText | None = None
    happened_at: Time | None = None


class TaskView(Model):
    what: str
    title: str | None
    place: str | None
    about: str | None


class PartnerVisitView(Model):
    """`tasks` in the order they are to be done."""

    visit_id: str
    registration_no: str | None
    state: str
    tasks: list[TaskView]

    @classmethod
    def of(cls, visit: Visit) -> "PartnerVisitView":
        tasks = [
            TaskView(what=task.what, title=task.title, place=task.place, about=task.about)
            for task in visit.tasks
        ]
        return cls(
            visit_id=visit.visit_id,
            registration_no=visit.registration_no,
            state=visit.state.value,
            tasks=tasks,
        )


class ToldToken(Model):
    visit_id: str
    token_no: str
    state: str


class DeskCodeQuery(Model):
    department_id: HospitalId | None = None


class DeskCodeView(Model):
    """`svg` is the picture of the QR code with this text, to print."""

    text: str
    svg: str


class PartnerVisits(PartnerHandler):
    @operation(
        "Somebody came without an appointment",
        body=WalkInEntry,
        reply=PartnerVisitView,
        replies=(Created,),
        refuses=(Conflict, NotFound),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, body: WalkInEntry) -> Created:
        visit = await self.services.hospital_word.begin(self.proven, WalkIn(**body.model_dump()))
        return Created(PartnerVisitView.of(visit))


class VisitEvents(PartnerHandler):
    @operation(
        "Tell what happened in a visit, and where to go next",
        body=VisitEvent,
        reply=PartnerVisitView,
        refuses=(Conflict, InvalidInput, NotFound),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, body: VisitEvent) -> Ok:
        event: Happened = body.event
        place, title = (None, None) if body.next is None else (body.next.place, body.next.what)
        word = Word(event, self.services.hospital_word.moment(body.happened_at), place, title, body.about)
        key = self.idempotency_row if body.event_id is None else f"{self.proven.id}|{body.event_id}"
        which = Which(body.registration_no, body.visit_id)
        return Ok(PartnerVisitView.of(await self.services.hospital_word.tell(self.proven, which, word, key)))


class QueueEvents(PartnerHandler):
    @operation(
        "Tell where your own queue has somebody",
        body=QueueEventEntry,
        reply=ToldToken,
        refuses=(Conflict, InvalidInput, NotFound),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, body: QueueEventEntry) -> Ok:
        ahead = body.ahead if body.ahead is not None or body.position is None else body.position - 1
        at = self.services.hospital_word.moment(body.happened_at)
        word = QueueWord(body.event, at, body.queue_id, body.token_no, ahead, body.place)
        which = Which(body.registration_no, body.visit_id)
        token = await self.services.hospital_word.tell_queue(self.proven, which, word)
        return Ok(ToldToken(visit_id=token.visit_id, token_no=token.number, state=token.state.value))


class DeskCode(PartnerHandler):
    @operation(
        "The code to hang up at a desk, for residents to scan and check in",
        query=DeskCodeQuery,
        reply=DeskCodeView,
        scope=SCOPE,
    )
    async def get(self, query: DeskCodeQuery) -> Ok:
        text = self.services.hospital_word.desk_text(self.proven, query.department_id)
        return Ok(DeskCodeView(text=text, svg=as_svg(text).decode()))


ROUTES = [
    ("/partner/v1/visits", PartnerVisits),
    ("/partner/v1/visit-events", VisitEvents),
    ("/partner/v1/queue-events", QueueEvents),
    ("/partner/v1/desk-code", DeskCode),
]
