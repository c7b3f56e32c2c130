from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.federation.peers import PeerHandler
from handlers.partner.fields import CodeText, ShortText, TableCode, TerminalId
from handlers.requests import Model, Ok, operation
from server.core.errors import Conflict, InvalidInput
from server.federation.model import BUDGET_S, PATH, Answer, Question, Signed

CentreId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,16}$")]
RequestName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ForeignVerificationRequest(Model):
    """`asked_by`: the centre whose terminal read the code; `request` names the scan; `hops`: 0 to the router,
    1 from it; `budget_ms`: how long the answer is awaited."""

    code: CodeText
    scene: TableCode
    channel: TableCode
    asked_by: CentreId
    institution_id: TerminalId
    institution: ShortText
    terminal_id: TerminalId
    place: ShortText
    wants_full: bool
    request: RequestName
    hops: int = Field(ge=0, le=9)
    budget_ms: int = Field(ge=1, le=int(BUDGET_S * 1000))


class SignedText(Model):
    """`signature`: SM2 over a prefix and `text` (docs/federation.md), base64."""

    text: str
    signature: str

    @classmethod
    def of(cls, signed: Signed) -> "SignedText":
        return cls(text=signed.text, signature=signed.signature)


class ForeignVerificationView(Model):
    """`outcome` is for counting; what is believed is `statement`, by the key in `certificate`."""

    outcome: str
    key_id: str
    statement: SignedText
    certificate: SignedText | None = None

    @classmethod
    def of(cls, answer: Answer) -> "ForeignVerificationView":
        return cls(
            outcome=answer.outcome,
            key_id=answer.key_id,
            statement=SignedText.of(answer.statement),
            certificate=SignedText.of(answer.certificate) if answer.certificate else None,
        )


class ForeignVerifications(PeerHandler):
    """The same call at a centre and at the router: the one answers it, the other passes it on."""

    @operation(
        "Verify a code of this centre that a terminal of another centre has read",
        body=ForeignVerificationRequest,
        reply=ForeignVerificationView,
        refuses=(InvalidInput, Conflict),
    )
    async def post(self, body: ForeignVerificationRequest) -> Ok:
        question = Question(**body.model_dump())
        return Ok(ForeignVerificationView.of(await self.services.federation.answer(self.proven, question)))


ROUTES = [(PATH, ForeignVerifications)]
