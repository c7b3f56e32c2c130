"""What a hospital tells of visits and of its queue, and what its desks do with ours (M4, M5)."""

from dataclasses import dataclass
from datetime import datetime

from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Duplicate
from server.partners.model import Caller
from server.verification.service import VerificationService
from server.visits.changing import Changing
from server.visits.desk_code import Desk, desk_text
from server.visits.model import State, Visit, Word
from server.visits.queues.hospital import HospitalQueues, QueueWord
from server.visits.queues.model import Priority, Token
from server.visits.queues.service import QueueService
from server.visits.service import VisitService
from server.visits.store import VisitStore


@dataclass(frozen=True)
class Which:
    """A visit as a hospital names it: by its own number, or by ours.  Exactly one is given."""

    registration_no: str | None = None
    visit_id: str | None = None


@dataclass(frozen=True)
class WalkIn:
    """Somebody who came without an appointment, and whose card was verified here."""

    verification_id: str
    registration_no: str
    department: str
    department_id: str | None = None
    doctor: str | None = None
    doctor_id: str | None = None
    place: str | None = None


class HospitalWord:
    """Every call is about the caller's own institution; another's visit is not there for it."""

    def __init__(
        self,
        store: VisitStore,
        changing: Changing,
        visits: VisitService,
        queues: QueueService,
        hospital_queues: HospitalQueues,
        verification: VerificationService,
        seals: Seals,
        clock: Clock,
    ) -> None:
        self._store = store
        self._changing = changing
        self._visits = visits
        self._queues = queues
        self._hospital_queues = hospital_queues
        self._verification = verification
        self._seals = seals
        self._clock = clock

    async def get(self, caller: Caller, which: Which) -> Visit:
        """NotFound `visit.not_found`; InvalidInput `visit.unnamed` unless named in exactly one way."""
        if (which.registration_no is None) == (which.visit_id is None):
            raise InvalidInput("visit.unnamed", "name one: registration_no or visit_id")
        institution_id = caller.app.institution.institution_id
        if which.registration_no is not None:
            visit = await self._store.find_registered(institution_id, which.registration_no)
        else:
            assert which.visit_id is not None, "one of the two is there"
            visit = await self._store.find(which.visit_id)
        if visit is None or visit.institution_id != institution_id:
            raise NotFound("visit.not_found", "there is no such visit")
        return visit

    async def begin(self, caller: Caller, walk_in: WalkIn) -> Visit:
        """A visit without appointment; the same one for the same number and person.

        NotFound `verification.not_found`; Conflict `registration.taken`.
        """
        card_id, person_id = await self._verification.get_holder_ids(caller, walk_in.verification_id)
        now, institution = self._clock.now(), caller.app.institution
        fields = {name: value for name, value in vars(walk_in).items() if name != "verification_id"}
        visit = Visit(
            visit_id=new_id(now),
            card_id=card_id,
            person_id=person_id,
            institution_id=institution.institution_id,
            institution=institution.name,
            state=State.EXPECTED,
            created_at=now,
            **fields,
        )
        try:
            return await self._changing.begin(visit)
        except Duplicate:
            found = await self._store.find_registered(institution.institution_id, walk_in.registration_no)
            if found is None or found.card_id != card_id:
                raise Conflict("registration.taken", "the number is another visit's") from None
            return found

    async def tell(self, caller: Caller, which: Which, word: Word, key: str | None) -> Visit:
        """What happened in a visit.  `key` names the telling: told again, nothing happens twice.

        NotFound `visit.not_found`; Conflict `visit.over` for a cancelled visit.
        """
        visit = await self.get(caller, which)
        if visit.state is State.CANCELLED:
            raise Conflict("visit.over", "this visit is over")
        if visit.state is State.EXPECTED and word.event != "finished":
            visit = await self._changing.check_in(visit, "hospital", self._clock.now())
        return await self._changing.happen(visit, word, key)

    async def tell_queue(self, caller: Caller, which: Which, word: QueueWord) -> Token:
        """Where the hospital's own queue has somebody, who is there then.

        NotFound `visit.not_found`; Conflict `visit.over`, `queue.not_joined`.
        """
        visit = await self.get(caller, which)
        if visit.state is State.CANCELLED:
            raise Conflict("visit.over", "this visit is over")
        token = await self._hospital_queues.tell(visit, word)
        if visit.state is State.EXPECTED:
            await self._changing.check_in(visit, "hospital", self._clock.now())
        return token

    async def join(self, caller: Caller, queue_id: str, which: Which, priority: Priority | None) -> Token:
        """A desk lets somebody join one of the platform's queues; who was expected is checked in by it.

        NotFound `queue.not_found`, `visit.not_found`; Conflict `visit.over`.
        """
        queue = await self._queues.get(caller.app.institution.institution_id, queue_id)
        visit = await self.get(caller, which)
        if visit.is_over:
            raise Conflict("visit.over", "this visit is over")
        if visit.state is State.EXPECTED:
            visit = await self._changing.check_in(visit, "desk", self._clock.now())
        token = await self._visits.join(visit, queue, priority)
        assert token is not None, "the queue was named"
        return token

    def desk_text(self, caller: Caller, department_id: str | None) -> str:
        """The text of the code to hang up at a desk."""
        return desk_text(Desk(caller.app.institution.institution_id, department_id), self._seals)

    def moment(self, at: datetime | None) -> datetime:
        """When the hospital says it happened, but not in our future: a clock that is ahead must not outrank
        all that comes after it."""
        now = self._clock.now()
        return now if at is None else min(at, now)
