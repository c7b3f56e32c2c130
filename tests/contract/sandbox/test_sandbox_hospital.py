"""The hospital's terminal: reads a code three ways, keeps its session alive, and shows what it got."""

import asyncio
import base64
import io
import json
from typing import Any

import pytest
import qrcode
from PIL import Image

from sandbox.app import make_app

SCANS = "/hospital/scans"


def picture_of(text: str, form: str = "PNG") -> str:
    out = io.BytesIO()
    qrcode.make(text).convert("RGB").save(out, form)
    return base64.b64encode(out.getvalue()).decode()


@pytest.fixture
def at_terminal(platform: Any, serving: Any, with_sandbox: Any) -> Any:
    """Runs `scenario(sandbox)` with a hospital admitted to the tiny platform."""

    def run(scenario: Any, **changed: Any) -> None:
        async def around(sandbox: Any) -> None:
            async with serving(platform.app()) as api:
                hospital = {"hospital": platform.hospital(api) | changed}
                async with serving(make_app(hospital, now=platform.now)) as url:
                    sandbox.url = url
                    await scenario(sandbox)

        with_sandbox(around)

    return run


@pytest.mark.feature("V1")
def test_a_pasted_code_gives_the_person(at_terminal: Any, platform: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        scan = await sandbox.json("POST", SCANS, {"text": " dynamic\n", "scene": "0101051"})
        assert scan["ok"] is True
        assert scan["status"] == 200
        assert scan["answer"]["person"]["phone_masked"] == "199****1234"
        assert scan["code_text"] == "dynamic"
        assert scan["took_ms"] >= 0
        asked = {"code": "dynamic", "scene": "0101051", "terminal_id": "T-0101", "channel": "0100"}
        assert platform.asked == [asked]
        [kept] = (await sandbox.json("GET", "/hospital/history"))["scans"]
        assert kept["answer"]["person"]["name"] == "古丽娜尔·艾山"
        assert "code_text" not in kept

    at_terminal(scenario)


@pytest.mark.feature("V1")
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_of_a_code_gives_the_person(at_terminal: Any, platform: Any, form: str) -> None:
    async def scenario(sandbox: Any) -> None:
        picture = f"data:image/{form.lower()};base64,{picture_of('6CFB:0:00AA:0000A0001', form)}"
        scan = await sandbox.json("POST", SCANS, {"picture": picture, "scene": "010101"})
        assert scan["ok"] is True
        assert platform.asked[0]["code"] == "6CFB:0:00AA:0000A0001"

    at_terminal(scenario)


@pytest.mark.feature("V1")
def test_a_code_on_a_transparent_ground_is_read(at_terminal: Any, platform: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        black = qrcode.make("dynamic").convert("L")
        clear = Image.new("RGBA", black.size, (0, 0, 0, 0))
        clear.paste((0, 0, 0, 255), mask=black.point(lambda level: 255 - level))
        out = io.BytesIO()
        clear.save(out, "PNG")
        picture = base64.b64encode(out.getvalue()).decode()
        assert (await sandbox.json("POST", SCANS, {"picture": picture, "scene": "010101"}))["ok"] is True

    at_terminal(scenario)


@pytest.mark.feature("V1")
def test_a_picture_without_a_code_asks_nobody_and_leaves_no_trace(at_terminal: Any, platform: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        out = io.BytesIO()
        Image.new("RGB", (320, 240), "grey").save(out, "JPEG")
        blank = base64.b64encode(out.getvalue()).decode()
        for picture, code in (
            (blank, "picture.no_code"),
            ("bm90aGluZw==", "picture.unreadable"),
            ("?", None),
        ):
            scan = await sandbox.json("POST", SCANS, {"picture": picture, "scene": "010101"})
            assert scan["ok"] is False
            assert scan["error"]["code"] == (code or "picture.unreadable")
        assert platform.asked == []
        assert (await sandbox.json("GET", "/hospital/history"))["scans"] == []

    at_terminal(scenario)


@pytest.mark.feature("V1")
def test_a_request_without_code_or_scene_is_malformed(at_terminal: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        for body, code in (({"text": "x"}, "scene.missing"), ({"scene": "010101"}, "code.missing")):
            response = await sandbox.fetch("POST", SCANS, body)
            assert response.code == 400
            assert json.loads(response.body)["error"]["code"] == code

    at_terminal(scenario)


@pytest.mark.feature("V1")
def test_a_refusal_is_passed_on_with_the_platforms_code(at_terminal: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        scan = await sandbox.json("POST", SCANS, {"text": "expired", "scene": "010101"})
        assert scan["ok"] is False
        assert scan["status"] == 422
        assert scan["error"] == {"code": "code.expired", "message": "the code has expired"}

    at_terminal(scenario)


@pytest.mark.feature("V4")
def test_a_forged_reply_is_refused(at_terminal: Any, platform: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        platform.alter = lambda headers, body: body.replace(b'"female"', b'"male"')
        scan = await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"})
        assert scan["ok"] is False
        assert scan["error"]["code"] == "reply.forged"
        assert "answer" not in scan

    at_terminal(scenario)


@pytest.mark.feature("V4")
@pytest.mark.parametrize("is_401_signed", [True, False])
def test_one_session_serves_many_scans_and_is_opened_anew_when_refused(
    at_terminal: Any, platform: Any, is_401_signed: bool
) -> None:
    platform.sign_unknown = is_401_signed

    async def scenario(sandbox: Any) -> None:
        async def scan() -> bool:
            return bool((await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"}))["ok"])

        assert await asyncio.gather(*(scan() for _ in range(5))) == [True] * 5
        assert platform.opened == 1
        platform.sessions.clear()
        assert await asyncio.gather(*(scan() for _ in range(5))) == [True] * 5
        assert platform.opened == 2

    at_terminal(scenario)


@pytest.mark.feature("V4")
def test_a_session_is_renewed_before_it_ends(at_terminal: Any, platform: Any, held_clock: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        for seconds, opened in ((0, 1), (28_700, 1), (41, 2)):
            held_clock.at += seconds
            assert (await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"}))["ok"] is True
            assert platform.opened == opened

    at_terminal(scenario)


@pytest.mark.feature("V1")
def test_an_answer_lost_on_the_way_does_not_spend_the_code(at_terminal: Any, platform: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        platform.answers_to_lose = 1
        assert (await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"}))["ok"] is True
        assert len(platform.asked) == 1, "asked again with the same key, carried out once"
        platform.answers_to_lose = 2
        scan = await sandbox.json("POST", SCANS, {"text": "another", "scene": "010101"})
        assert scan["error"]["code"] == "platform.unreachable"

    at_terminal(scenario)


@pytest.mark.feature("V4")
def test_an_unknown_key_and_a_silent_platform_are_told_apart(at_terminal: Any) -> None:
    async def refused(sandbox: Any) -> None:
        scan = await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"})
        assert (scan["status"], scan["error"]["code"]) == (401, "partner.unauthenticated")

    async def silent(sandbox: Any) -> None:
        scan = await sandbox.json("POST", SCANS, {"text": "dynamic", "scene": "010101"})
        assert (scan["status"], scan["error"]["code"]) == (0, "platform.unreachable")

    at_terminal(refused, key_id="k2")
    at_terminal(silent, api="http://127.0.0.1:9")


@pytest.mark.feature("V1")
def test_the_page_has_the_controls_a_test_drives(at_terminal: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        page = (await sandbox.fetch("GET", "/hospital/")).body.decode()
        for control in ("scene", "picture", "paste", "verify", "result", "history", "camera", "kiosk-start"):
            assert f'id="{control}"' in page
        assert "云溪市第一人民医院" in page
        for asset in ("sandbox.css", "terminal.js", "kiosk.js", "refusals.js", "sms.js"):
            assert (await sandbox.fetch("GET", f"/assets/{asset}")).code == 200

    at_terminal(scenario)
