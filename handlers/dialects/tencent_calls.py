"""The calls of the Tencent style: what each says, and which of the platform's services does it.

`healthCardId` is the card's id on the wire, `phid` the person's id in the index, `patid` the hospital's own
number for the person.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from handlers.dialects.ehc_methods import SHOW
from handlers.dialects.speaking import MAX_TEXT, Call, CardNo, Said, Speaking, Text, read_day, read_said
from handlers.dialects.usage import TENCENT_CALLS
from handlers.partner.fields import UsageCode
from handlers.partner.persons import PatientNo
from handlers.partner.verifications import FULL
from handlers.requests import Id
from server.cards.model import Status
from server.cards.window import Counter, Reading, Visitor
from server.core.audit import Actor
from server.core.errors import Conflict, EhcError, InvalidInput, NotFound, Unavailable
from server.identity.model import Guardian
from server.partners.dialects.codes import SUCCESS, message_of, result_code
from server.verification.authorization.model import State
from server.verification.model import Verification
from server.verification.service import Scan

MALE, FEMALE = "\u7537", "\u5973"  # 男 女, as this style writes them
GENDERS = {MALE: "male", FEMALE: "female"}
GENDER_WORDS = {word: sign for sign, word in GENDERS.items()}
MAX_BATCH = 15
READING_SCENE = "010101"
"Reading a card without saying what for is registration."
QrText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Child(Said):
    parentName: Text | None = None
    parentPhone: Text | None = None


class Registration(Said):
    """`wechatCode` and `relation` are passed over: the card is given out at the hospital and in nobody's
    account."""

    name: Text
    gender: Text | None = None
    nation: Text | None = None
    birthday: Text | None = None
    idNumber: Text
    idType: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] = "01"
    address: Annotated[str, StringConstraints(max_length=MAX_TEXT)] | None = None
    phone1: Text | None = None
    patid: PatientNo | None = None
    childInfo: Child | None = None


class Batch(Said):
    healthCardItems: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


class HealthCode(Said):
    healthCode: Id


class CodeRead(Said):
    qrCodeText: QrText


class Binding(Said):
    patid: PatientNo
    qrCodeText: QrText


class CodeWanted(Said):
    healthCardId: CardNo
    idType: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] = "01"
    idNumber: Text
    codeType: Annotated[str, StringConstraints(pattern=r"^[01]$")] = "0"


class CodeToVerify(Said):
    qrCodeText: QrText
    terminalId: Annotated[str, StringConstraints(max_length=64)] | None = None
    medicalStep: UsageCode
    channelCode: UsageCode | None = None


async def register(at: Speaking, said: Registration) -> Any:
    terminal = await at.terminal()
    child = said.childInfo
    guardian = None
    if child is not None and child.parentName is not None:
        guardian = Guardian(child.parentName, "guardian", child.parentPhone)
    visitor = Visitor(
        said.name,
        said.idType,
        said.idNumber,
        said.phone1 or "",
        GENDERS.get(said.gender or ""),
        read_day(said.birthday),
        said.nation,
        said.address,
        guardian,
    )
    counter = Counter(terminal.terminal_id, at.proven.dialect.clerk_id, Reading("typed"), said.patid)
    issued = await at.services.window.issue(at.proven.caller, visitor, counter)
    if issued.card.status is Status.PENDING:
        raise Conflict("card.pending", "the claim is not decided yet: register again later")
    return {
        "qrCodeText": issued.static_code or "",
        "healthCardId": issued.card.ehealth_card_id,
        "phid": issued.card.person_id or "",
    }


async def register_batch(at: Speaking, said: Batch) -> Any:
    """Each for itself: a refused one says why and stops none of the others."""
    items = []
    for given in said.healthCardItems:
        number = given.get("idNumber")
        told: dict[str, Any] = {"idNumber": number if isinstance(number, str) else ""}
        try:
            told |= await register(at, read_said(Registration, given))
            told |= {"resultCode": SUCCESS, "errMsg": ""}
        except Unavailable:
            raise  # a source is down: the whole batch is asked again, and registers nobody twice
        except EhcError as error:
            told |= {"resultCode": result_code(error), "errMsg": message_of(error)}
        items.append(told)
    return {"rspItems": items}


def _card_of(at: Speaking, seen: Verification, ehealth_card_id: str) -> dict[str, Any]:
    holder, full = seen.holder, at.may(FULL) and seen.is_dynamic
    return {
        "name": holder.name,
        "gender": GENDER_WORDS.get(holder.gender or "", ""),
        "nation": getattr(holder, "nation", None) or "",
        "birthday": holder.born_on.isoformat() if holder.born_on else "",
        "phone": (holder.phone if full else None) or holder.phone_masked or "",
        "address": (getattr(holder, "address", None) if full else None) or "",
        "idType": holder.id_type,
        "idNumber": (holder.id_no if full else None) or holder.id_no_masked,
        "healthCardId": ehealth_card_id,
        "phid": seen.person_id,
    }


async def _verified(at: Speaking, code: str, scene: str, named: str | None, channel: str | None) -> Any:
    terminal = await at.terminal(named)
    scan = Scan(code, scene, terminal.terminal_id, channel, None, None, None, wants_full=at.may(FULL))
    seen = await at.services.verification.verify(at.proven.caller, scan)
    return _card_of(at, seen, code[:64])


async def verify(at: Speaking, said: CodeToVerify) -> Any:
    return await _verified(at, said.qrCodeText, said.medicalStep, said.terminalId, said.channelCode)


async def read_code(at: Speaking, said: CodeRead) -> Any:
    """A use like any other: a code that renews itself is used up by it."""
    return {"card": await _verified(at, said.qrCodeText, READING_SCENE, None, None)}


async def read_health_code(at: Speaking, said: HealthCode) -> Any:
    """`healthCode` is what a resident's consent is asked under: the request_id of an approved
    authorization request of this app."""
    authorizations, caller = at.services.authorizations, at.proven.caller
    request, state, seen = await authorizations.result(caller, said.healthCode, 0)
    if state is not State.APPROVED or seen is None:
        raise NotFound("authorization.not_found", "nobody has approved this request")
    return {"card": _card_of(at, seen, request.ehealth_card_id or "")}


async def bind(at: Speaking, said: Binding) -> Any:
    """The card must be one that this institution gave out or has verified; no code is used up."""
    caller = at.proven.caller
    card = await at.services.institution_cards.get(caller, said.qrCodeText[:64])
    if card.person_id is None:
        raise Conflict("card.not_active", "the card is nobody's yet", status=card.status.value)
    institution_id = caller.app.institution.institution_id
    actor = Actor("app", caller.app.app_id)
    await at.services.identifiers.bind(institution_id, said.patid, card.person_id, actor)
    return {"result": True}


async def show(at: Speaking, said: CodeWanted) -> Any:
    """A code for the holder's own eyes, on the hospital's pages."""
    cards, caller = at.services.institution_cards, at.proven.caller
    if said.codeType == "0":
        at.require_scope(SHOW)
    card = await cards.get_by_document(caller, said.idType, said.idNumber)
    if card.ehealth_card_id != said.healthCardId:
        raise InvalidInput("identity.mismatch", "this document is not the card's")
    code = await cards.show_code(caller, card, "dynamic" if said.codeType == "0" else "static")
    return {"qrCodeText": code.text}


CALLS: dict[str, Call] = {
    "registerHealthCard": Call("cards.issue", Registration, register),
    "registerBatchHealthCard": Call("cards.issue", Batch, register_batch),
    "getHealthCardByHealthCode": Call("verification", HealthCode, read_health_code),
    "getHealthCardByQRCode": Call("verification", CodeRead, read_code),
    "bindCardRelation": Call("persons.pix", Binding, bind),
    "getDynamicQRCode": Call("cards.issue", CodeWanted, show),
    "verifyQRCode": Call("verification", CodeToVerify, verify),
    **TENCENT_CALLS,
}
