"""The centre above us (A6.4, A7.4.3): it takes the uses of our cards, in batches, signed both ways.

The wire is ours (docs/operations.md, "Uploading uses").  A batch carries the fence of whoever sends it: the
upper centre takes nothing of a sender whose turn was over before it came.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import structlog

from server.core.signed_calls import SignedCalls, Unproven

PATH = "/federation/v1/usage-batches"
TIMEOUT_S = 20.0
MAX_ANSWER_BYTES = 200_000

log = structlog.get_logger()


class NotTaken(Exception):
    """The upper centre has not said that it keeps the batch: send it again later.  Says why, for the log."""


class Fenced(NotTaken):
    """Somebody else sends now."""


@dataclass(frozen=True)
class UploadedUse:
    """One use as it leaves us; nobody is named.  `person` and `card` are keyed for the upper centre: the same
    person is the same there, and cannot be found here by it.  `issuer` and `issuer_use_id`: another centre's
    card, which tells of the same use itself."""

    use_id: str
    used_at: str
    told_at: str
    is_late: bool
    is_direct: bool
    is_dynamic: bool
    step: str
    channel: str
    cost_type: str | None
    department: str | None
    institution_id: str
    app_id: str | None
    terminal_id: str | None
    person: str | None
    card: str | None
    issuer: str | None
    issuer_use_id: str | None


class UpperCentre(Protocol):
    async def take(self, fence: int, uses: Sequence[UploadedUse]) -> Mapping[str, str]:
        """use_id → reason of those it will never take; all others are kept there.  NotTaken, Fenced."""
        ...


class HttpUpperCentre:
    def __init__(self, calls: SignedCalls, url: str, public_keys: Collection[bytes]) -> None:
        self._calls = calls
        self._url = url.rstrip("/") + PATH
        self._public_keys = public_keys

    async def take(self, fence: int, uses: Sequence[UploadedUse]) -> Mapping[str, str]:
        content = {"fence": fence, "uses": [asdict(use) for use in uses]}
        try:
            answer, said = await self._calls.ask(
                "upper_centre",
                self._public_keys,
                "POST",
                self._url,
                json.dumps(content, ensure_ascii=False).encode(),
                timeout_s=TIMEOUT_S,
                max_answer_bytes=MAX_ANSWER_BYTES,
            )
        except Unproven as problem:
            log.warning("upper_centre.unproven", reason=str(problem))
            raise NotTaken(str(problem)) from problem
        if not answer.is_success:
            error = said.get("error")
            code = str(error.get("code")) if isinstance(error, dict) else "?"
            raise Fenced(code) if code == "upload.fenced" else NotTaken(code)
        return _refused(said, {use.use_id for use in uses})


def _refused(said: dict[str, Any], sent: set[str]) -> dict[str, str]:
    """What it will not take; NotTaken unless every use of the batch is accounted for."""
    refused, kept = said.get("refused"), [said.get("accepted"), said.get("duplicates")]
    if not isinstance(refused, list) or not all(type(count) is int and count >= 0 for count in kept):
        raise NotTaken("the answer has not the shape of one")
    reasons = {str(row.get("use_id")): str(row.get("code"))[:80] for row in refused if isinstance(row, dict)}
    if not reasons.keys() <= sent or len(reasons) != len(refused) or sum(kept) + len(refused) != len(sent):  # type: ignore[arg-type]
        raise NotTaken("the answer does not account for the batch")
    return reasons
