"""The methods of `ehc.*`: what each says, and which of the platform's services does it."""

from typing import Annotated, Any

from pydantic import StringConstraints

from handlers.dialects.speaking import GENDERS, Call, CardNo, Said, Speaking, Text, read_day
from handlers.dialects.usage import EHC_LISTS
from handlers.partner.fields import UsageCode
from handlers.partner.verifications import FULL
from server.cards.model import Card, Status
from server.cards.window import Counter, Reading, Visitor
from server.core.audit import Actor
from server.core.errors import Conflict, Forbidden, NotFound
from server.identity.intake import Entry
from server.verification.service import Scan

SHOW = "codes.show"
GENDER_CODES = {word: code for code, word in GENDERS.items()}


class Registration(Said):
    id_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] = "01"
    id_no: Text
    name: Text
    gender: Annotated[str, StringConstraints(pattern=r"^[0-9]$")] | None = None
    birthday: Text | None = None
    nation: Text | None = None
    cellphone: Text | None = None
    telephone: Text | None = None
    address: Text | None = None

    @property
    def phone(self) -> str | None:
        return self.cellphone or self.telephone


class CardNamed(Said):
    ehealth_card_id: CardNo | None = None
    id_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] = "01"
    id_no: Text | None = None


class Change(CardNamed):
    name: Text | None = None
    nation: Text | None = None
    cellphone: Text | None = None
    telephone: Text | None = None
    address: Text | None = None


class Revocation(CardNamed):
    revoke_no: Annotated[str, StringConstraints(max_length=64)] | None = None


class CodeWanted(Said):
    ehealth_card_id: CardNo
    ewmbs: Annotated[str, StringConstraints(pattern=r"^[01]$")] = "1"


class CodeRead(Said):
    ehealth_code: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    medstepcode: UsageCode
    terminalcode: Annotated[str, StringConstraints(max_length=64)] | None = None
    channelcode: UsageCode | None = None
    pin: Annotated[str, StringConstraints(max_length=12)] | None = None


class Organisation(Said):
    orgname: Text | None = None
    orgcode: Annotated[str, StringConstraints(max_length=64)] | None = None


async def register(at: Speaking, said: Registration) -> Any:
    """A card given out at the terminal; who has one gets the same (B7.5)."""
    terminal, dialect = await at.terminal(), at.proven.dialect
    visitor = Visitor(
        said.name,
        said.id_type,
        said.id_no,
        said.phone or "",
        GENDERS.get(said.gender or ""),
        read_day(said.birthday),
        said.nation,
        said.address,
    )
    counter = Counter(terminal.terminal_id, dialect.clerk_id, Reading("typed"))
    issued = await at.services.window.issue(at.proven.caller, visitor, counter)
    if issued.card.status is Status.PENDING:
        raise Conflict("card.pending", "the claim is not decided yet: register again later")
    return {"ehealth_card_id": issued.card.ehealth_card_id, "is_new": "1" if issued.is_new else "0"}


async def _named(at: Speaking, said: CardNamed) -> Card:
    cards, caller = at.services.institution_cards, at.proven.caller
    if said.ehealth_card_id is not None:
        return await cards.get(caller, said.ehealth_card_id)
    if said.id_no is not None:
        return await cards.get_by_document(caller, said.id_type, said.id_no)
    raise NotFound("card.not_found", "say which: ehealth_card_id, or id_type and id_no")


async def query(at: Speaking, said: CardNamed) -> Any:
    """The card and its holder, masked, of a card this institution gave out or has verified."""
    card = await _named(at, said)
    holder = card.holder
    return {
        "ehealth_card_id": card.ehealth_card_id,
        "status": card.status.value,
        "name": holder.name,
        "gender": GENDER_CODES.get(holder.gender, "0"),
        "birthday": holder.born_on.isoformat(),
        "id_type": holder.id_type,
        "id_no": holder.id_no_masked,
        "cellphone": holder.phone_masked,
    }


async def modify(at: Speaking, said: Change) -> Any:
    """What the hospital knows anew of a person goes to the person index; what stands on the card, and the
    phone that its holder proves himself with, are the holder's to change."""
    card = await _named(at, said)
    holder = card.holder
    entry = Entry(
        name=said.name or holder.name,
        id_type=holder.id_type,
        id_no=holder.id_no,
        gender=holder.gender,
        born_on=holder.born_on,
        phone=said.cellphone or said.telephone,
        address=said.address,
        nation=said.nation,
    )
    app = at.proven.caller.app
    await at.services.intake.register(entry, app.institution.institution_id, Actor("app", app.app_id))
    return {"ehealth_card_id": card.ehealth_card_id}


async def close(at: Speaking, said: Revocation) -> Any:
    """Only a card given out by mistake; see `InstitutionCards.withdraw`."""
    card = await _named(at, said)
    reason = f"revoke_no {said.revoke_no or 'none'}"
    await at.services.institution_cards.withdraw(at.proven.caller, card, reason)
    return {"ehealth_card_id": card.ehealth_card_id}


async def generate(at: Speaking, said: CodeWanted) -> Any:
    """Static ("1") to be printed; dynamic ("0") to be shown to the holder, with the scope for it."""
    cards, caller = at.services.institution_cards, at.proven.caller
    if said.ewmbs == "0":
        at.require_scope(SHOW)
    card = await cards.get(caller, said.ehealth_card_id)
    code = await cards.show_code(caller, card, "static" if said.ewmbs == "1" else "dynamic")
    return {"ehealth_code": code.text}


async def verify(at: Speaking, said: CodeRead) -> Any:
    terminal = await at.terminal(said.terminalcode)
    wants_full = at.may(FULL)
    scan = Scan(
        code=said.ehealth_code,
        scene=said.medstepcode,
        terminal_id=terminal.terminal_id,
        channel=said.channelcode,
        department=None,
        purpose=None,
        request_key=None,
        pin=said.pin,
        wants_full=wants_full,
    )
    seen = await at.services.verification.verify(at.proven.caller, scan)
    holder, full = seen.holder, wants_full and seen.is_dynamic
    return {
        "ehealth_card_id": said.ehealth_code[:64],
        "verification_id": seen.verification_id,
        "person_id": seen.person_id,
        "name": holder.name,
        "gender": GENDER_CODES.get(holder.gender or "", "0"),
        "birthday": holder.born_on.isoformat() if holder.born_on else "",
        "id_type": holder.id_type,
        "id_no": (holder.id_no if full else None) or holder.id_no_masked,
        "cellphone": (holder.phone if full else None) or holder.phone_masked or "",
        "is_dynamic": "1" if seen.is_dynamic else "0",
    }


async def query_organisation(at: Speaking, said: Organisation) -> Any:
    """The app's own institution, as the register has it."""
    institution = at.proven.caller.app.institution
    if said.orgcode not in (None, institution.institution_id):
        raise NotFound("institution.not_found", "an app sees its own institution and no other")
    return {"orgcode": institution.institution_id, "orgname": institution.name, "valid": "1"}


async def change_organisation(at: Speaking, said: Organisation) -> Any:
    """What is in the register already is confirmed; the register itself is the card centre's."""
    institution = at.proven.caller.app.institution
    if (said.orgcode, said.orgname) != (institution.institution_id, institution.name):
        raise Forbidden(
            "institution.by_admission", "institutions apply to the card centre, with their papers"
        )
    return {"orgcode": institution.institution_id}


METHODS: dict[str, Call] = {
    "ehc.ehealthcard.register": Call("cards.issue", Registration, register),
    "ehc.ehealthcard.regquery": Call("cards.issue", CardNamed, query),
    "ehc.ehealthcard.modify": Call("persons.register", Change, modify),
    "ehc.ehealthcard.delete": Call("cards.issue", Revocation, close),
    "ehc.ehealthcard.close": Call("cards.issue", Revocation, close),
    "ehc.ehealthcode.generate": Call("cards.issue", CodeWanted, generate),
    "ehc.ehealthcode.verify": Call("verification", CodeRead, verify),
    "ehc.ehealthcode.query": Call("verification", CardNamed, query),
    "ehc.ehealthcode.addorg": Call("app", Organisation, change_organisation),
    "ehc.ehealthcode.updateorg": Call("app", Organisation, change_organisation),
    "ehc.ehealthcode.queryorg": Call("app", Organisation, query_organisation),
    **EHC_LISTS,
}
