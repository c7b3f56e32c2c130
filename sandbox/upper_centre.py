"""The centre above: takes uses of cards in batches, keeps each id once, and says what it has.

Written from docs/operations.md, "Uploading uses".  A batch with an older fence than it has seen is refused.
"""

from typing import Any

from tornado.httputil import HTTPServerRequest

from sandbox import config
from sandbox.his_signing import HisSigning
from sandbox.service import Answer, Clock, Route, error_answer, json_answer, json_object

MAX_BATCH = 500
REQUIRED = {"use_id", "used_at", "told_at", "is_late", "is_direct", "step", "channel", "institution_id"}


class UpperCentre:
    """Everything it was told lives in memory, in the order it came."""

    def __init__(self, config: config.UpperCentre, now: Clock) -> None:
        self._signing = HisSigning(config, now)
        self._uses: dict[str, dict[str, Any]] = {}
        self._batches: list[dict[str, Any]] = []
        self._fence = 0
        self._unwanted: set[str] = set()

    def routes(self) -> list[Route]:
        """The path batches come to, and the way a person or a test looks at what came."""
        return [
            Route(
                "/upper/federation/v1/usage-batches",
                {"POST": self._take},
                door="upper_centre",
                admit=self._signing.admit,
                seal=self._signing.seal,
            ),
            Route("/control/upper_centre/uses", {"GET": self._show}),
            Route("/control/upper_centre/unwanted", {"PUT": self._refuse}),
        ]

    def _take(self, request: HTTPServerRequest) -> Answer:
        """{fence, uses} → {accepted, duplicates, refused: [{use_id, code}]}."""
        batch = json_object(request)
        fence, uses = batch.get("fence"), batch.get("uses")
        if not isinstance(fence, int) or not isinstance(uses, list) or not 1 <= len(uses) <= MAX_BATCH:
            return error_answer(422, "upload.malformed", "a batch is {fence, uses}, 1 to 500 of them")
        if fence < self._fence:
            return error_answer(409, "upload.fenced", "another process sends now")
        self._fence = fence
        accepted, duplicates, refused = 0, 0, []
        for use in uses:
            if not use.keys() >= REQUIRED or use["step"] in self._unwanted:
                refused.append({"use_id": use.get("use_id"), "code": "use.unwanted"})
            elif use["use_id"] in self._uses:
                duplicates += 1
            else:
                self._uses[use["use_id"]] = use
                accepted += 1
        self._batches.append({"fence": fence, "accepted": accepted, "duplicates": duplicates})
        return json_answer({"accepted": accepted, "duplicates": duplicates, "refused": refused})

    def _show(self, request: HTTPServerRequest) -> Answer:
        """{"uses": in the order they came, "batches": [...]}."""
        return json_answer({"uses": list(self._uses.values()), "batches": self._batches})

    def _refuse(self, request: HTTPServerRequest) -> Answer:
        """{"steps": [...]}: uses at these are refused from here on."""
        self._unwanted = set(json_object(request)["steps"])
        return json_answer({"steps": sorted(self._unwanted)})
