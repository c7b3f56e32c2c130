from handlers.authentication import PartnerHandler
from handlers.partner.admissions import KeyId, PublicKeyHex
from handlers.requests import Created, Model, NoContent, Ok, Time, operation
from handlers.scopes import SCOPES
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound


class AppKey(Model):
    key_id: str
    public_key_hex: str
    retires_at: Time | None


class ScopeView(Model):
    name: str
    sentence: str


class AppView(Model):
    """The caller's own entry in the register."""

    app_id: str
    institution: str
    scopes: list[ScopeView]
    keys: list[AppKey]
    valid_until: Time | None


class NewKey(Model):
    key_id: KeyId
    public_key_hex: PublicKeyHex


class KeyAdded(Model):
    """The keys before it are good until `others_retire_at`."""

    key_id: str
    others_retire_at: Time | None


class OwnApp(PartnerHandler):
    @operation("What the register says of the calling app", reply=AppView, scope="app")
    async def get(self) -> Ok:
        app = self.proven.app
        return Ok(
            AppView(
                app_id=app.app_id,
                institution=app.institution.name,
                scopes=[ScopeView(name=name, sentence=SCOPES.get(name, "")) for name in sorted(app.scopes)],
                keys=[
                    AppKey(key_id=key_id, public_key_hex=raw.hex(), retires_at=app.retiring.get(key_id))
                    for key_id, raw in sorted(app.public_keys.items())
                ],
                valid_until=app.valid_until,
            )
        )


class Keys(PartnerHandler):
    @operation(
        "Add the app's next key; the ones before it stay good for a week",
        body=NewKey,
        reply=KeyAdded,
        replies=(Created,),
        refuses=(InvalidInput, Conflict, Forbidden),
        idempotent=True,
        scope="app",
    )
    async def post(self, body: NewKey) -> Created:
        caller = self.proven
        until = await self.services.partner_register.add_key_of(
            caller, body.key_id, bytes.fromhex(body.public_key_hex)
        )
        return Created(KeyAdded(key_id=body.key_id, others_retire_at=until))


class OneKey(PartnerHandler):
    @operation(
        "Retire a key of the app at once",
        replies=(NoContent,),
        refuses=(Conflict, Forbidden, NotFound),
        scope="app",
    )
    async def delete(self, key_id: KeyId) -> NoContent:
        await self.services.partner_register.retire_key_of(self.proven, key_id)
        return NoContent()


ROUTES = [
    ("/partner/v1/app", OwnApp),
    ("/partner/v1/keys", Keys),
    ("/partner/v1/keys/{key_id}", OneKey),
]
