"""A terminal scans at the steps it was admitted for, and is held back when scan after scan is refused."""

from typing import Any

import pytest

from server.verification.throttle import WINDOW_S, TerminalPolicy
from tests.api.calls import another_process
from tests.harness import APP_ID, TERMINAL_ID, Answer, Platform

pytestmark = [pytest.mark.feature("V1", "V3"), pytest.mark.gen_test(timeout=60)]

PATH = f"/staff/v1/partners/{APP_ID}/terminals"


async def put(platform: Platform, **more: Any) -> None:
    token = await platform.staff("partners.manage")
    body = {"place": "门诊收费窗口 3 号", "channel": "0100", **more}
    answer = await platform.http.send("PUT", f"{PATH}/{TERMINAL_ID}", body, token=token)
    assert answer.status == 204, answer.body


async def outcome(platform: Platform, code: str, **changes: Any) -> str:
    reply = await platform.scan(platform.partner(), code, **changes)
    return "accepted" if reply.error is None else f"{reply.status} {reply.error[0]}"


async def shown(platform: Platform) -> Any:
    token = await platform.staff("partners.read")
    answer: Answer = await platform.http.get(PATH, token=token)
    return next(one for one in answer.json["terminals"] if one["terminal_id"] == TERMINAL_ID)["scenes"]


@pytest.mark.feature("V2", "V6")
async def test_a_terminal_is_used_at_the_steps_it_is_for(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id)
    await put(platform, scenes=["010105", "0101014"])
    for scene in ("010101", "0101011"):
        assert await outcome(platform, code, scene=scene) == "403 scene.not_at_terminal"
        asked = {"terminal_id": TERMINAL_ID, "scene": scene}
        reply = await platform.partner().call("POST", "/partner/v1/authorization-requests", asked)
        assert (reply.status, reply.error[0]) == (403, "scene.not_at_terminal")
    assert await outcome(platform, code, scene="0101051") == "accepted", "nothing was used up, a step below"
    platform.clock.advance(1)
    assert await outcome(platform, await platform.code(token, card_id), scene="0101014") == "accepted"
    await put(platform, place="门诊收费窗口 4 号")
    assert await shown(platform) == ["010105", "0101014"], "whoever does not speak of them keeps them"
    await put(platform, scenes=None)
    assert await shown(platform) is None
    platform.clock.advance(1)
    assert await outcome(platform, await platform.code(token, card_id)) == "accepted"


async def test_a_terminal_whose_scans_are_refused_is_held_back(platform: Platform) -> None:
    await platform.decide(TerminalPolicy, refused=10)
    token, card_id = await platform.holder(platform.residents[0])
    async with another_process(platform) as other:
        for _ in range(12):  # scans that are accepted are no matter how many
            platform.clock.advance(1)
            assert await outcome(platform, await platform.code(token, card_id)) == "accepted"
        for number in range(10):
            process = (platform, other)[number % 2]
            assert await outcome(process, "not a code") == "422 code.malformed"
        for process in (platform, other):  # each hears of it with its next refusal
            assert await outcome(process, "not a code") == "422 code.malformed"
            reply = await process.scan(process.partner(), "not a code")
            assert (reply.status, reply.error[0]) == (429, "terminal_scans.too_many")
        platform.clock.advance(1)
        good = await platform.code(token, card_id)
        session = await platform.partner().open_session(TERMINAL_ID)
        held = await platform.scan(platform.partner(), good, session)
        assert (held.status, held.error[0]) == (429, "terminal_scans.too_many")
        await platform.admit("hospital-b-his", "T-0002")
        elsewhere = await platform.partner("hospital-b-his").call(
            "POST", "/partner/v1/verifications", {"code": good, "scene": "010101", "terminal_id": "T-0002"}
        )
        assert elsewhere.status == 200, "other terminals go on, and nothing was used up"
        platform.clock.advance(WINDOW_S)
        assert await outcome(platform, await platform.code(token, card_id)) == "accepted"
