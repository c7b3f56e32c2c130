"""The other way round (主扫): the hospital's machine shows a code, the resident scans it and answers."""

from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.hospital import HospitalTerminal, Scan
from sandbox.pictures import draw_code
from sandbox.service import Answer, Route, error_answer, json_answer, json_object

ASK = "/partner/v1/authorization-requests"
WAIT_S = 3
"Shorter than the client's own patience: the page asks again."


class Kiosk:
    """The part of a terminal's page where a resident says yes on their own phone."""

    def __init__(self, terminal: HospitalTerminal) -> None:
        self._terminal = terminal
        self._scenes: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """To ask, and to hear what was answered."""
        return [
            Route("/hospital/authorizations", {"POST": self._ask}, door="hospital"),
            Route("/hospital/authorizations/[0-9A-Za-z]+", {"GET": self._hear}, door="hospital"),
        ]

    async def _ask(self, request: HTTPServerRequest) -> Answer:
        """{scene, purpose?} → {ok, answer: {request_id, qr_text, expires_at, qr_svg}} or a refused scan."""
        body = json_object(request)
        scene, purpose = body.get("scene"), body.get("purpose")
        if not isinstance(scene, str) or not scene:
            return error_answer(400, "scene.missing", "scene is not given")
        wanted = {"scene": scene} | ({"purpose": purpose} if isinstance(purpose, str) and purpose else {})
        asked = (await self._terminal.reach(scene, "POST", ASK, wanted)).as_json()
        if asked["ok"]:
            self._scenes = {asked["answer"]["request_id"]: scene}
            asked["answer"]["qr_svg"] = draw_code(asked["answer"]["qr_text"])
        return json_answer(asked)

    async def _hear(self, request: HTTPServerRequest) -> Answer:
        """{state: waiting | approved | refused | expired | failed, scan}; `scan` is null while waiting."""
        request_id = request.path.rpartition("/")[2]
        scene = self._scenes.get(request_id)
        if scene is None:
            raise HTTPError(404)
        heard = await self._terminal.reach(
            scene, "GET", f"{ASK}/{request_id}", query=[("wait_s", str(WAIT_S))]
        )
        if heard.answer is None:
            return json_answer({"state": "failed", "scan": heard.as_json()})
        state: str = heard.answer["state"]
        if state == "waiting":
            return json_answer({"state": state, "scan": None})
        scan = self._as_scan(scene, heard, state)
        self._terminal.keep(scan)
        return json_answer({"state": state, "scan": scan})

    def _as_scan(self, scene: str, heard: Scan, state: str) -> dict[str, Any]:
        if state == "approved" and heard.answer is not None:
            return Scan(scene, heard.status, answer=heard.answer["verification"]).as_json()
        return Scan(scene, heard.status, error=(f"authorization.{state}", "not approved")).as_json()
