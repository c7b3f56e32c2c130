"""The PIN of a card and where it is asked; preferences and privacy (C7, C5)."""

import asyncio
import json
from typing import Any

import pytest
from pymongo.database import Database

from server.core.audit import Actor
from server.core.clock import HeldClock
from tests.api.calls import another_process
from tests.harness import APP_ID, Answer, Platform
from tests.stores.test_indexes import Recorder, recorder

__all__ = ["recorder"]
pytestmark = [pytest.mark.feature("C7"), pytest.mark.gen_test(timeout=120)]

PIN, WRONG = "405162", "730518"
CENTRE = Actor("staff", "s1")
DEFAULTS = {"records": "ask", "reports": "ask", "visits": "ask", "payments": "ask"}


async def put_pin(platform: Platform, token: str, card_id: str, pin: str | None, factor: Any) -> Answer:
    body = {"pin": pin, **({} if factor is None else {"factor": factor})}
    return await platform.http.send("PUT", f"/api/v1/cards/{card_id}/pin", body, token=token)


async def with_pin(platform: Platform) -> tuple[str, str]:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    factor = await platform.factor(token, card_id, resident.phone)
    assert (await put_pin(platform, token, card_id, PIN, factor)).status == 204
    return token, card_id


async def prefer(platform: Platform, token: str, card_id: str, **changes: Any) -> Answer:
    body = {"shows": "dynamic", "static_needs_pin": False, "privacy": DEFAULTS, **changes}
    return await platform.http.send("PUT", f"/api/v1/cards/{card_id}/preferences", body, token=token)


async def refusal(platform: Platform, code: str, **changes: Any) -> str:
    reply = await platform.scan(platform.partner(), code, **changes)
    return (reply.error or ("accepted", ""))[0]


def by_pin(pin: str) -> dict[str, str]:
    return {"kind": "pin", "pin": pin}


async def test_set_changed_and_taken_away_with_a_fresh_factor(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    bare = await put_pin(platform, token, card_id, PIN, None)
    assert (bare.status, bare.error) == (403, "factor.required")
    none_yet = await put_pin(platform, token, card_id, PIN, by_pin(PIN))
    assert (none_yet.status, none_yet.error) == (403, "factor.wrong")
    factor = await platform.factor(token, card_id, resident.phone)
    platform.clock.advance(1)
    assert (await put_pin(platform, token, card_id, PIN, factor)).status == 204
    assert (await put_pin(platform, token, card_id, WRONG, factor)).error == "factor.wrong"
    assert (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json["has_pin"]
    assert (await put_pin(platform, token, card_id, "918273", by_pin(PIN))).status == 204
    assert (await put_pin(platform, token, card_id, None, by_pin(PIN))).error == "factor.wrong"
    assert (await put_pin(platform, token, card_id, None, by_pin("918273"))).status == 204
    assert not (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json["has_pin"]
    await platform.work()
    assert [m["kind"] for m in await platform.messages(token)] == ["pin_changed"] * 3


async def test_weak_pins_are_refused(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    born = f"{resident.birth_on:%y%m%d}"
    weak = [
        "12345",
        "1234567",
        "abcdef",
        "111111",
        "123456",
        "654321",
        "901234",
        "121212",
        "123123",
        "405504",
    ]
    weak += [born, f"{resident.birth_on:%d%m%y}", resident.phone[-6:], resident.id_no[6:12], "１２３５８９"]
    for pin in weak:
        answer = await put_pin(platform, token, card_id, pin, None)
        assert (answer.status, answer.error) == (422, "pin.invalid"), pin


async def test_a_pin_is_a_factor(platform: Platform) -> None:
    token, card_id = await with_pin(platform)
    await platform.move(token, card_id, "freeze")
    wrong = await platform.move(token, card_id, "reactivate", by_pin(WRONG))
    assert (wrong.status, wrong.error) == (403, "factor.wrong")
    assert wrong.json["error"]["detail"] == {"tries_left": 4}
    assert (await platform.move(token, card_id, "reactivate", by_pin(PIN))).status == 200
    again = await platform.move(token, card_id, "cancel", by_pin(WRONG))
    assert again.json["error"]["detail"] == {"tries_left": 4}


async def test_five_wrong_ones_lock_it_for_a_time_that_grows(platform: Platform, clock: HeldClock) -> None:
    token, card_id = await with_pin(platform)
    for locked_s in (900, 3600, 14_400, 86_400, 86_400):
        left = [
            (await platform.move(token, card_id, "reissue", by_pin(WRONG))).json["error"]["detail"][
                "tries_left"
            ]
            for _ in range(5)
        ]
        assert left == [4, 3, 2, 1, 0]
        locked = await platform.move(token, card_id, "reissue", by_pin(PIN))
        assert (locked.status, locked.error) == (429, "pin.locked")
        assert locked.headers["Retry-After"] == str(locked_s + 1)
        clock.advance(locked_s - 1)
        assert (await platform.move(token, card_id, "reissue", by_pin(PIN))).error == "pin.locked"
        clock.advance(1)
    assert (await platform.move(token, card_id, "reissue", by_pin(PIN))).status == 200
    await platform.work()
    kinds = [m["kind"] for m in await platform.messages(token)]
    assert kinds.count("pin_locked") == 5
    for _ in range(5):
        await platform.move(token, card_id, "reissue", by_pin(WRONG))
    assert (await platform.move(token, card_id, "reissue", by_pin(PIN))).headers["Retry-After"] == "901"


async def test_many_at_once_are_five_tries(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await with_pin(platform)
    factors = platform.app.services.lifecycle._factors
    checked = []
    kept_try = factors._store.take_try

    async def counted(*arguments: Any) -> Any:
        taken = await kept_try(*arguments)
        checked.append(taken is not None)
        return taken

    factors._store.take_try = counted  # type: ignore[method-assign]
    guesses = (platform.move(token, card_id, "cancel", by_pin(f"{730518 + n}")) for n in range(64))
    answers = await asyncio.gather(*guesses)
    assert checked.count(True) == 5 and len(checked) == 64
    assert sorted(answer.error for answer in answers) == ["factor.wrong"] * 5 + ["pin.locked"] * 59
    assert db.cards.find_one({"_id": card_id})["status"] == "active"


async def test_a_code_to_the_phone_opens_a_locked_pin(platform: Platform) -> None:
    token, card_id = await with_pin(platform)
    for _ in range(5):
        await platform.move(token, card_id, "reissue", by_pin(WRONG))
    factor = await platform.factor(token, card_id, platform.residents[0].phone)
    assert (await put_pin(platform, token, card_id, "918273", factor)).status == 204
    assert (await platform.move(token, card_id, "reissue", by_pin("918273"))).status == 200


async def test_a_code_is_for_its_card_and_once(platform: Platform, clock: HeldClock) -> None:
    one, two = platform.residents[:2]
    token, card_id = await platform.holder(one)
    other, others_card = await platform.holder(two)
    factor = await platform.factor(token, card_id, one.phone)
    assert (await platform.move(other, others_card, "reissue", factor)).error == "factor.wrong"
    wrong = {**factor, "code": "000000" if factor["code"] != "000000" else "000001"}
    left = [
        (await platform.move(token, card_id, "reissue", wrong)).json["error"]["detail"]["tries_left"]
        for _ in range(4)
    ]
    assert left == [4, 3, 2, 1]
    assert (await platform.move(token, card_id, "reissue", factor)).status == 200
    assert (await platform.move(token, card_id, "reissue", factor)).error == "factor.wrong"
    late = await platform.factor(token, card_id, one.phone)
    clock.advance(300)
    assert (await platform.move(token, card_id, "reissue", late)).error == "factor.wrong"
    for _ in range(3):
        await platform.factor(token, card_id, one.phone)
    spent = await platform.http.post(f"/api/v1/cards/{card_id}/factor-codes", token=token)
    assert (spent.status, spent.error) == (429, "factor_sms.too_many")


@pytest.mark.feature("V1")
async def test_scenes_and_institutions_ask_for_the_pin_by_rule(platform: Platform) -> None:
    token, card_id = await with_pin(platform)
    code = await platform.code(token, card_id, "static")
    assert await refusal(platform, code) == "accepted"
    async with another_process(platform) as other:
        rules = {"pin_scenes": ["0101013"]}
        await platform.app.services.policies.put("static_codes", rules, 0, CENTRE)
        await other.app.versions.poll()
        for process in (platform, other):
            assert await refusal(process, code, scene="0101013") == "pin.required"
            assert await refusal(process, code, scene="0101013", pin=WRONG) == "pin.wrong"
            assert await refusal(process, code, scene="0101013", pin=PIN) == "accepted"
            assert await refusal(process, code) == "accepted"
            dynamic = await platform.code(token, card_id)
            assert await refusal(process, dynamic, scene="0101013") == "accepted"
        rules = {"pin_institutions": [f"institution-of-{APP_ID}"]}
        await platform.app.services.policies.put("static_codes", rules, 1, CENTRE)
        assert await refusal(platform, code) == "pin.required"
        await platform.app.services.policies.put("static_codes", {"scenes": ["010101"]}, 2, CENTRE)
        assert await refusal(platform, code, scene="0101013", pin=PIN) == "scene.requires_dynamic"
        assert await refusal(platform, code) == "accepted"


@pytest.mark.feature("V1")
async def test_no_rule_makes_a_static_code_pay(platform: Platform) -> None:
    for rules in ({"scenes": ["010105"]}, {"pin_scenes": ["0101051"]}):
        with pytest.raises(Exception, match=r"policy\.invalid"):
            await platform.app.services.policies.put("static_codes", rules, 0, CENTRE)
    token, card_id = await with_pin(platform)
    code = await platform.code(token, card_id, "static")
    assert await refusal(platform, code, scene="010105", pin=PIN) == "scene.requires_dynamic"


@pytest.mark.feature("V1")
async def test_a_terminals_wrong_pins_cost_tries_and_nothing_else(
    platform: Platform, db: Database[Any], clock: HeldClock
) -> None:
    token, card_id = await with_pin(platform)
    await prefer(platform, token, card_id, static_needs_pin=True)
    code, dynamic = [await platform.code(token, card_id, kind) for kind in ("static", "dynamic")]
    client = platform.partner()
    assert (await platform.scan(client, code)).error[0] == "pin.required"
    for left in (4, 3, 2, 1, 0):
        reply = await platform.scan(client, code, pin=WRONG)
        assert reply.error[0] == "pin.wrong" and reply.body["error"]["detail"] == {"tries_left": left}
    assert (await platform.scan(client, code, pin=PIN)).error[0] == "pin.locked"
    assert db.usages.count_documents({}) == 0
    assert await refusal(platform, dynamic) == "accepted"
    clock.advance(900)
    await platform.move(token, card_id, "freeze")
    assert await refusal(platform, code, pin=WRONG) == "card.frozen"
    assert db.cards.find_one({"_id": card_id})["pin"]["wrong"] == 5
    await platform.move(token, card_id, "reactivate", by_pin(PIN))
    assert await refusal(platform, code, pin=PIN) == "accepted"


@pytest.mark.feature("V1")
async def test_the_holder_asks_for_the_pin_or_turns_static_off(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    early = await prefer(platform, token, card_id, static_needs_pin=True)
    assert (early.status, early.error) == (409, "pin.not_set")
    factor = await platform.factor(token, card_id, resident.phone)
    await put_pin(platform, token, card_id, PIN, factor)
    code = await platform.code(token, card_id, "static")
    assert (await prefer(platform, token, card_id, static_needs_pin=True)).status == 200
    assert await refusal(platform, code) == "pin.required"
    assert await refusal(platform, code, pin=PIN) == "accepted"
    await put_pin(platform, token, card_id, None, by_pin(PIN))
    assert await refusal(platform, code) == "accepted"
    off = await prefer(platform, token, card_id, static_allowed=False)
    assert off.json["static_allowed"] is False
    assert await refusal(platform, code) == "card.static_refused_by_holder"
    shown = await platform.http.get(f"/api/v1/cards/{card_id}/code?kind=static", token=token)
    assert (shown.status, shown.error) == (409, "card.static_refused_by_holder")
    assert (await prefer(platform, token, card_id, shows="static")).json["static_allowed"] is False
    assert await refusal(platform, await platform.code(token, card_id)) == "accepted"


@pytest.mark.feature("C5")
async def test_the_centre_sets_the_refresh_and_what_is_shown(platform: Platform, clock: HeldClock) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    path = f"/api/v1/cards/{card_id}/code"
    assert (await platform.http.get(path, token=token)).json["refresh_seconds"] == 60
    async with another_process(platform) as other:
        rules: dict[str, Any] = {"refresh_seconds": 20}
        await platform.app.services.policies.put("code_display", rules, 0, CENTRE)
        await other.app.versions.poll()
        for process in (platform, other):
            assert (await process.http.get(path, token=token)).json["refresh_seconds"] == 20
            early, late = [await process.code(token, card_id) for _ in range(2)]
            clock.advance(25)
            assert await refusal(process, early) == "accepted"
            clock.advance(0.001)
            assert await refusal(process, late) == "code.expired"
            clock.advance(0.999)
        for seconds in (9, 301):
            with pytest.raises(Exception, match=r"policy\.invalid"):
                await platform.app.services.policies.put(
                    "code_display", {"refresh_seconds": seconds}, 1, CENTRE
                )
        await platform.app.services.policies.put("code_display", {"static_allowed": False}, 1, CENTRE)
        shown = await platform.http.get(f"{path}?kind=static", token=token)
        assert (shown.status, shown.error) == (403, "code.static_not_allowed")


async def test_preferences_are_kept_and_asked_by_whoever_shows_something(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    path = f"/api/v1/cards/{card_id}/preferences"
    assert (await platform.http.get(path, token=token)).json == {
        "shows": "dynamic",
        "static_needs_pin": False,
        "static_allowed": True,
        "privacy": DEFAULTS,
        "policy": {"refresh_seconds": 60, "static_allowed": True, "static_pin_required": []},
    }
    privacy = {"records": "closed", "reports": "open", "visits": "ask", "payments": "closed"}
    assert (await prefer(platform, token, card_id, shows="static", privacy=privacy)).status == 200
    kept = (await platform.http.get(path, token=token)).json
    assert (kept["shows"], kept["privacy"]) == ("static", privacy)
    assert (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json["shows"] == "static"
    person_id = db.cards.find_one()["person_id"]
    asked = await platform.app.services.cards.privacy_of(person_id)
    assert asked.__dict__ == privacy
    assert (await platform.app.services.cards.privacy_of("nobody")).__dict__ == DEFAULTS
    bad = await prefer(platform, token, card_id, privacy={**DEFAULTS, "records": "public"})
    assert (bad.status, bad.error) == (400, "request.invalid")


async def test_a_pin_is_nowhere_in_plain_text(
    platform: Platform, mongo_client: Any, database_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    token, card_id = await with_pin(platform)
    code = await platform.code(token, card_id, "static")
    key = {"Idempotency-Key": "with-pin"}
    await platform.move(token, card_id, "reissue", by_pin(PIN), headers=key)
    code = await platform.code(token, card_id, "static")
    await refusal(platform, code, pin=PIN)
    await refusal(platform, code, pin=WRONG)
    await platform.work()
    database = mongo_client[database_name]
    everything = [
        json.dumps(row, default=lambda v: v.hex() if isinstance(v, bytes) else str(v))
        for name in database.list_collection_names()
        for row in database[name].find()
    ]
    logged = capsys.readouterr()
    for text in [*everything, logged.out, logged.err]:
        for secret in (PIN, WRONG, "$argon2"):
            assert secret not in text
    assert len(everything) > 10


@pytest.mark.feature("V1")
async def test_a_scan_without_a_pin_asks_the_database_no_more(recorder: Recorder, platform: Platform) -> None:
    token, card_id = await with_pin(platform)
    client = platform.partner()
    session = await client.open_session("T-0001")
    # A code that renews itself is also compared with those accepted since.
    for kind, looks in (("static", ["cards"]), ("dynamic", ["cards", "usages"])):
        await platform.scan(client, await platform.code(token, card_id, kind), session)  # caches are warm
        code = await platform.code(token, card_id, kind)
        recorder.commands.clear()
        assert (await platform.scan(client, code, session)).status == 200
        assert sorted(command["find"] for command in recorder.commands) == looks
