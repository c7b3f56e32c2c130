"""Uses told afterwards, in both dialects: each row becomes a use of `UsageService`, or says why it does not.

Rows told twice are kept once, late ones are marked.  Existing software looks at the success of the whole
batch only: so one row that is refused makes the batch fail, with what became of each, and telling all of it
again is harmless.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field, StringConstraints, field_validator

from handlers.dialects.speaking import Call, CardNo, Said, Speaking, Text, read_moment, read_said
from handlers.partner.fields import UsageCode
from server.core.clock import Clock
from server.core.crypto.hashes import sm3_hex
from server.core.errors import InvalidInput, Malformed
from server.partners.dialects.codes import message_of
from server.partners.dialects.envelopes import as_json
from server.usage.model import MAX_BATCH, Receipt, ReportedUse

REGISTRATION, WINDOW = "010101", "0100"
"The step and the channel of a visit that is told without them."
Name = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


class Rows(Said):
    rows: list[dict[str, Any]]


class UsedCard(Said):
    """One use.  `use_no` is the hospital's own name of it; without one the row's content names it, and
    without a time of its own the call it came in."""

    ehealth_card_id: Annotated[
        CardNo | None, Field(validation_alias=AliasChoices("ehealth_card_id", "ehealthCardId"))
    ] = None
    ehealth_code: Annotated[str, StringConstraints(max_length=4096)] | None = None
    medstepcode: UsageCode
    channelcode: UsageCode
    department: Text | None = None
    cost_type: UsageCode | None = None
    use_no: Name | None = None
    use_time: datetime | None = None

    @field_validator("use_time", mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        return read_moment(given)


class Visit(UsedCard):
    medstepcode: UsageCode = REGISTRATION
    channelcode: UsageCode = WINDOW
    visit_no: Name


class HisData(Said):
    qrCodeText: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    time: datetime
    scene: UsageCode
    cardChannel: UsageCode
    cardCostTypes: UsageCode | None = None
    department: Text | None = None

    @field_validator("time", mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        return read_moment(given)


async def _report(at: Speaking, told: Sequence[ReportedUse | Receipt]) -> Any:
    """What became of each row, in order; InvalidInput `usage.partly_refused` when one is refused."""
    uses = [one for one in told if isinstance(one, ReportedUse)]
    kept = iter(await at.services.usage.report(at.proven.caller, uses))
    receipts = [next(kept) if isinstance(one, ReportedUse) else one for one in told]
    rows = [
        {
            "use_no": receipt.event_id,
            "result": receipt.outcome,
            "late": "1" if receipt.is_late else "0",
            "msg": "" if receipt.refusal is None else message_of(receipt.refusal),
        }
        for receipt in receipts
    ]
    if any(receipt.refusal is not None for receipt in receipts):
        raise InvalidInput(
            "usage.partly_refused", "see rows: the others are kept; mend and tell again", rows=rows
        )
    return {"rows": rows}


def _require_so_many(rows: Sequence[Any]) -> None:
    if not 1 <= len(rows) <= MAX_BATCH:
        raise Malformed("usage.too_many", "a batch has 1 to 500 uses", most=MAX_BATCH)


async def used_cards(at: Speaking, said: Rows) -> Any:
    """A row that cannot be read is refused alone too."""
    _require_so_many(said.rows)
    told: list[ReportedUse | Receipt] = []
    for number, given in enumerate(said.rows):
        event_id = sm3_hex(as_json(given).encode())
        try:
            row = read_said(UsedCard, given)
        except Malformed as refusal:
            told.append(Receipt(event_id, refusal=refusal))
            continue
        if row.use_time is None:
            event_id = sm3_hex(f"{at.proven.caller.nonce}\n{number}".encode())
        told.append(_use(row, row.use_no or event_id, at.clock))
    return await _report(at, told)


async def visits(at: Speaking, said: Rows, kind: str) -> Any:
    """A visit of the card at the institution: a use at registration, under the visit's number."""
    _require_so_many(said.rows)
    told: list[ReportedUse | Receipt] = []
    for given in said.rows:
        try:
            row = read_said(Visit, given)
        except Malformed as refusal:
            told.append(Receipt(sm3_hex(as_json(given).encode()), refusal=refusal))
            continue
        told.append(_use(row, f"{kind}:{row.visit_no}", at.clock))
    return await _report(at, told)


async def outpatients(at: Speaking, said: Rows) -> Any:
    return await visits(at, said, "outpatient")


async def inpatients(at: Speaking, said: Rows) -> Any:
    return await visits(at, said, "inpatient")


def _use(row: UsedCard, event_id: str, clock: Clock) -> ReportedUse:
    """Direct when a code was read; when only the card is named it was found in some other way.  A card is
    named by its static code, which says no more than its number."""
    code = row.ehealth_code or (None if row.ehealth_card_id is None else f"{row.ehealth_card_id}:1")
    return ReportedUse(
        event_id=event_id,
        step=row.medstepcode,
        channel=row.channelcode,
        is_direct=row.ehealth_code is not None,
        used_at=row.use_time or clock.now(),
        code=code,
        department=row.department,
        cost_type=row.cost_type,
    )


async def his_data(at: Speaking, said: HisData) -> Any:
    """One use, named by all it says: the same told again is kept once."""
    use = ReportedUse(
        event_id=sm3_hex(
            as_json([said.qrCodeText, said.time.isoformat(), said.scene, said.department]).encode()
        ),
        step=said.scene,
        channel=said.cardChannel,
        is_direct=True,
        used_at=said.time,
        code=said.qrCodeText,
        department=said.department,
        cost_type=said.cardCostTypes,
    )
    [receipt] = await at.services.usage.report(at.proven.caller, [use])
    if receipt.refusal is not None:
        raise receipt.refusal
    return {"none": ""}


EHC_LISTS: dict[str, Call] = {
    "ehc.ehealthcode.usecarddate": Call("usage.report", Rows, used_cards),
    "ehc.outpatient.add": Call("usage.report", Rows, outpatients),
    "ehc.inpatient.add": Call("usage.report", Rows, inpatients),
}
"Methods whose content is a list of rows, or one row."
TENCENT_CALLS: dict[str, Call] = {"reportHISData": Call("usage.report", HisData, his_data)}
