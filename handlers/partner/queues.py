from typing import Literal

from handlers.authentication import PartnerHandler
from handlers.partner.fields import HospitalId, RegistrationNo, ShortText
from handlers.partner.visits import SCOPE
from handlers.requests import Created, Id, Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from server.visits.queues.model import Action, Queue, Token
from server.visits.told import Which


class QueueEntry(Model):
    """A door of yours: `place` is where its patients go when called, unless a call says another."""

    name: ShortText
    place: ShortText
    department_id: HospitalId | None = None
    doctor_id: HospitalId | None = None


class TokenView(Model):
    token_id: str
    visit_id: str
    number: str
    state: Literal["waiting", "called", "missed", "done", "left"]
    place: str
    priority: str | None
    called_at: Time | None

    @classmethod
    def of(cls, token: Token) -> "TokenView":
        return cls(
            token_id=token.token_id,
            visit_id=token.visit_id,
            number=token.number,
            state=token.state.value,
            place=token.place,
            priority=token.priority,
            called_at=token.called_at,
        )


class QueueBoard(Model):
    """Who was called and is not done, and the next fifty; `waiting` counts all."""

    queue_id: str
    name: str
    place: str
    waiting: int
    called: list[TokenView]
    following: list[TokenView]


class Joining(Model):
    """Whom you let join, by exactly one of the two."""

    registration_no: RegistrationNo | None = None
    visit_id: Id | None = None
    priority: Literal["emergency", "elderly"] | None = None


class Call(Model):
    place: ShortText | None = None


class CalledView(Model):
    """`token` is null when nobody waits."""

    token: TokenView | None


class TokenMove(Model):
    action: Action


class OneQueue(PartnerHandler):
    @property
    def institution_id(self) -> str:
        return self.proven.app.institution.institution_id

    @operation("A queue as a screen at its door shows it", reply=QueueBoard, scope=SCOPE)
    async def get(self, queue_id: HospitalId) -> Ok:
        return Ok(await self._board(queue_id))

    @operation(
        "Open a queue on the platform, or describe it anew", body=QueueEntry, reply=QueueBoard, scope=SCOPE
    )
    async def put(self, queue_id: HospitalId, body: QueueEntry) -> Ok:
        await self.services.queues.put(Queue(queue_id, self.institution_id, **body.model_dump()))
        return Ok(await self._board(queue_id))

    async def _board(self, queue_id: str) -> QueueBoard:
        board = await self.services.queues.board(self.institution_id, queue_id)
        return QueueBoard(
            queue_id=queue_id,
            name=board.queue.name,
            place=board.queue.place,
            waiting=board.waiting,
            called=[TokenView.of(token) for token in board.called],
            following=[TokenView.of(token) for token in board.following],
        )


class QueueTokens(PartnerHandler):
    @operation(
        "Let somebody join, whose card was scanned at the desk",
        body=Joining,
        reply=TokenView,
        replies=(Created,),
        refuses=(Conflict, InvalidInput),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, queue_id: HospitalId, body: Joining) -> Created:
        which = Which(body.registration_no, body.visit_id)
        token = await self.services.hospital_word.join(self.proven, queue_id, which, body.priority)
        return Created(TokenView.of(token))


class QueueCalls(PartnerHandler):
    @operation(
        "Call the next one; send an Idempotency-Key, or an answer that is lost leaves somebody called",
        body=Call,
        reply=CalledView,
        replies=(Created,),
        refuses=(Unavailable,),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, queue_id: HospitalId, body: Call) -> Created:
        institution_id = self.proven.app.institution.institution_id
        token = await self.services.queues.call_next(
            institution_id, queue_id, body.place, self.idempotency_row
        )
        return Created(CalledView(token=None if token is None else TokenView.of(token)))


class TokenMoves(PartnerHandler):
    @operation(
        "What becomes of a token: called again, missed, back in the queue, done, gone",
        body=TokenMove,
        reply=TokenView,
        refuses=(Conflict, NotFound),
        scope=SCOPE,
        idempotent=True,
    )
    async def post(self, queue_id: HospitalId, token_id: Id, body: TokenMove) -> Ok:
        institution_id = self.proven.app.institution.institution_id
        token = await self.services.queues.act(
            institution_id, queue_id, token_id, body.action, self.idempotency_row
        )
        return Ok(TokenView.of(token))


ROUTES = [
    ("/partner/v1/queues/{queue_id}", OneQueue),
    ("/partner/v1/queues/{queue_id}/tokens", QueueTokens),
    ("/partner/v1/queues/{queue_id}/calls", QueueCalls),
    ("/partner/v1/queues/{queue_id}/tokens/{token_id}/transitions", TokenMoves),
]
