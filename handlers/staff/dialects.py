from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.admissions import AppId
from handlers.partner.cards import StaffNumber
from handlers.partner.fields import TerminalId
from handlers.requests import Model, NoContent, Ok, operation
from server.core.errors import Forbidden, InvalidInput, NotFound
from server.partners.dialects.model import MAX_MAPPED_TERMINALS, Dialect, read_name

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,40}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,8}$")]
TheirTerminal = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class DialectRequest(Model):
    """Without `app_secret` the one there is stays, or one is made.  `terminals`: what the software calls a
    terminal → our id; `terminal_id` stands for calls that name none; `clerk_id` answers for having seen whom
    it registers at a window."""

    app_secret: Annotated[str, StringConstraints(pattern=r"^[!-~]{16,64}$")] | None = Field(None, repr=False)
    terminal_id: TerminalId | None = None
    terminals: Annotated[dict[TheirTerminal, TerminalId], Field(max_length=MAX_MAPPED_TERMINALS)] = Field(
        default_factory=dict
    )
    clerk_id: StaffNumber | None = None
    hospital_id: TerminalId | None = None
    digest_rule: Literal["plaintext", "ciphertext"] = "plaintext"
    encoding: Literal["hex", "base64"] = "hex"
    success_code: Code = "10"
    failure_code: Code = "00"

    def dialect(self, app_id: str, name: str) -> Dialect:
        plain = self.model_dump(exclude={"app_secret"})
        return Dialect(app_id, read_name(name), self.app_secret or "", **plain)


class DialectView(Model):
    """Never the secret: it is told once, when it is made."""

    name: Literal["ehc", "tencent"]
    terminal_id: str | None
    terminals: dict[str, str]
    clerk_id: str | None
    hospital_id: str | None
    digest_rule: str
    encoding: str
    success_code: str
    failure_code: str

    @classmethod
    def of(cls, dialect: Dialect) -> "DialectView":
        shown = {name: value for name, value in vars(dialect).items() if name not in ("app_id", "app_secret")}
        return cls(**{**shown, "terminals": dict(dialect.terminals)})


class DialectList(Model):
    dialects: list[DialectView]


class DialectOn(Model):
    """`app_secret` is there when it was made just now, and never again."""

    app_secret: str | None = Field(repr=False)


class PartnerDialects(StaffHandler):
    @operation(
        "The dialects an app may speak", reply=DialectList, refuses=(NotFound,), permission="partners.read"
    )
    async def get(self, app_id: AppId) -> Ok:
        found = await self.services.dialects.list_of_app(app_id)
        return Ok(DialectList(dialects=[DialectView.of(dialect) for dialect in found]))


class PartnerDialect(StaffHandler):
    @operation(
        "Let an app speak a dialect of existing hospital software, or say anew how it speaks it",
        body=DialectRequest,
        reply=DialectOn,
        refuses=(NotFound, Forbidden, InvalidInput),
        permission="partners.review",
    )
    async def put(self, app_id: AppId, dialect: Name, body: DialectRequest) -> Ok:
        wanted = body.dialect(app_id, dialect)
        return Ok(DialectOn(app_secret=await self.services.dialects.switch_on(wanted, self.actor)))

    @operation(
        "Let an app speak a dialect no more",
        replies=(NoContent,),
        refuses=(NotFound,),
        permission="partners.manage",
    )
    async def delete(self, app_id: AppId, dialect: Name) -> NoContent:
        await self.services.dialects.switch_off(app_id, read_name(dialect), self.actor)
        return NoContent()


ROUTES = [
    ("/staff/v1/partners/{app_id}/dialects", PartnerDialects),
    ("/staff/v1/partners/{app_id}/dialects/{dialect}", PartnerDialect),
]
