"""Uses a hospital saw itself (V9): told in batches, each row stored once or refused with its reason.

Direct uses from when the platform could not be asked, and indirect ones 间接用卡, where the card was found by
a hospital's number and nobody showed a code.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from server.cards import qrcode
from server.core.audit import Actor, Audit, row_digest
from server.core.clock import Clock
from server.core.errors import EhcError, InvalidInput, Malformed
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Document, Duplicate
from server.core.policies import Policies
from server.partners.model import Caller
from server.usage.codes import Codes, UsageCodes
from server.usage.keys import reported_use_key, use_key
from server.usage.model import MAX_BATCH, Receipt, ReportedUse, UsageReporting
from server.usage.store import ReportedUsageStore
from server.usage.subjects import Subject, Subjects


class UsageService:
    def __init__(
        self,
        store: ReportedUsageStore,
        subjects: Subjects,
        codes: UsageCodes,
        policies: Policies,
        seals: Seals,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._codes = codes
        self._policies = policies
        self._seals = seals
        self._audit = audit
        self._clock = clock

    async def report(
        self, caller: Caller, uses: Sequence[ReportedUse], request_key: str | None = None
    ) -> list[Receipt]:
        """A receipt for each use, in order, once all that are accepted are stored.

        A row is refused alone: InvalidInput `usage.subject_unclear`, `usage.impossible_time`,
        `scene.unknown`, `channel.unknown`, `cost_type.unknown`, `usage.no_card`, `code.malformed`,
        `code.forged`, `code.expired`.  An event told before is a duplicate, and so is a dynamic code that was
        scanned; except to `request_key` itself, which gets the answer again that it may have lost.  Malformed
        `usage.too_many`.  Unavailable: some are stored and some not; tell all of them again.
        """
        if len(uses) > MAX_BATCH:
            raise Malformed("usage.too_many", "a batch has at most 500 uses", most=MAX_BATCH)
        now = self._clock.now()
        institution_id = caller.app.institution.institution_id
        codes = await self._codes.of(institution_id)
        rules = await self._policies.get(UsageReporting)
        subjects = await self._subjects.of(institution_id, uses, now)
        rows: list[Document | EhcError] = [
            one if isinstance(one, EhcError) else _row(caller, use, one, codes, rules, now, request_key)
            for use, one in zip(uses, subjects, strict=True)
        ]
        keys = [None if isinstance(row, EhcError) else str(row["use_key"]) for row in rows]
        first_at = {key: place for place, key in reversed(list(enumerate(keys)))}
        told_before = await self._store.list_by_use([key for key in first_at if key is not None])
        receipts = await asyncio.gather(
            *(
                self._keep(use.event_id, row, told_before, is_repeat=first_at[key] != place)
                for place, (use, row, key) in enumerate(zip(uses, rows, keys, strict=True))
            ),
            return_exceptions=True,
        )
        for receipt in receipts:
            if isinstance(receipt, BaseException):
                raise receipt
        answered = [receipt for receipt in receipts if isinstance(receipt, Receipt)]
        met = [key for key, one in zip(keys, answered, strict=True) if key is not None and one.is_duplicate]
        await self._record(caller, answered, told_before | await self._store.list_by_use(met))
        return answered

    async def _keep(
        self, event_id: str, row: Document | EhcError, told_before: dict[str, Document], *, is_repeat: bool
    ) -> Receipt:
        """`is_repeat`: the batch itself tells of the event twice."""
        if isinstance(row, EhcError):
            return Receipt(event_id, refusal=row)
        before = told_before.get(row["use_key"])
        if before is not None:
            is_same = row["request_key"] is not None and before["request_key"] == row["request_key"]
            late = before.get("is_late", False)
            return Receipt(event_id, is_duplicate=is_repeat or not is_same, is_late=late)
        if is_repeat:
            return Receipt(event_id, is_duplicate=True, is_late=row["is_late"])
        try:
            await self._store.append(row)
        except Duplicate:
            return Receipt(event_id, is_duplicate=True, is_late=row["is_late"])
        return Receipt(event_id, is_late=row["is_late"])

    async def _record(
        self, caller: Caller, receipts: Sequence[Receipt], repeated: dict[str, Document]
    ) -> None:
        """One entry for the batch.  A crash may have torn the batch in which a row was stored that is now
        told again, so the entry seals those rows."""
        refused = Counter(receipt.refusal.code for receipt in receipts if receipt.refusal is not None)
        await self._audit.record(
            "usage.report",
            Actor("app", caller.app.app_id),
            "institution",
            caller.app.institution.institution_id,
            rows=len(receipts),
            refused=[f"{code}:{count}" for code, count in sorted(refused.items())],
            repeated=[f"{row['_id']}:{row_digest(self._seals, row).hex()}" for row in repeated.values()],
        )


def _row(
    caller: Caller,
    use: ReportedUse,
    subject: Subject,
    codes: Codes,
    rules: UsageReporting,
    now: datetime,
    request_key: str | None,
) -> Document | EhcError:
    """The row to store, or why the use is refused."""
    try:
        step, channel = codes.step(use.step), codes.channel(use.channel)
        cost_type = None if use.cost_type is None else codes.cost_type(use.cost_type)
    except InvalidInput as refusal:
        return refusal
    card, code = subject
    institution_id = caller.app.institution.institution_id
    return {
        "_id": new_id(now),
        "use_key": _key(institution_id, use, code),
        "at": use.used_at,
        "told_at": now,
        "card_id": card.card_id,
        "person_id": card.person_id,
        "app_id": caller.app.app_id,
        "institution_id": institution_id,
        "terminal_id": None,
        "scene": step,
        "channel": channel,
        "cost_type": cost_type,
        "department": use.department,
        "purpose": None,
        "is_dynamic": code is not None and code.is_dynamic,
        "is_direct": use.is_direct,
        "is_late": now - use.used_at > rules.late_after,
        "request_key": request_key,
    }


def _key(institution_id: str, use: ReportedUse, code: qrcode.Code | None) -> str:
    """A code that renews itself is used once, whether we hear of it by a scan or afterwards."""
    if code is None or code.token is None:
        return reported_use_key(institution_id, use.event_id)
    return use_key(code.ehealth_card_id, code.token.issued_at_s, code.token.nonce)
