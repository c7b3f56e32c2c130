"""What a hospital's own codes mean in ours: set by staff, at once everywhere, used wherever uses are told."""

from typing import Any

import pytest
from pymongo.database import Database

from server.usage.tables import STEPS, UsageTables
from server.verification.policy import StaticCodePolicy
from tests.api.calls import another_process
from tests.api.test_usage_events import SCOPES, event, known_patient, outcomes, tell
from tests.harness import APP_ID, TERMINAL_ID, Answer, Platform

pytestmark = [pytest.mark.feature("V9"), pytest.mark.gen_test(timeout=60)]

INSTITUTION = f"institution-of-{APP_ID}"
PATH = f"/staff/v1/code-mappings/{INSTITUTION}"
TABLES = {
    "steps": {"GH": "010101", "SF.1": "0101051", "0101012": "0101014"},
    "channels": {"W": "0100", "0100": "0200"},
    "cost_types": {"YB": "0200"},
}


async def put(platform: Platform, token: str, replaces: int = 0, **tables: Any) -> Answer:
    body = {"replaces": replaces, **TABLES, **tables}
    return await platform.http.send("PUT", PATH, body, token=token)


async def test_staff_set_a_mapping_and_scans_and_batches_are_read_by_it(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id, _ = await known_patient(platform)
    staff = await platform.staff("partners.read", "partners.manage")
    nothing = await platform.http.get(PATH, token=staff)
    assert (nothing.json["version"], nothing.json["steps"]) == (0, {})
    assert (await put(platform, staff)).json["version"] == 1
    listed = await platform.http.get("/staff/v1/code-mappings", token=staff)
    row = {"institution_id": INSTITUTION, "version": 1, "steps": 3, "channels": 2, "cost_types": 1}
    assert row.items() <= listed.json["code_mappings"][0].items() and listed.json["next_cursor"] is None
    ours = (await platform.http.get("/staff/v1/usage-codes", token=staff)).json
    assert ours["steps"]["0101014"] == "triage" and ours["cost_types"]["0200"] == "insured"
    shown = (await platform.http.get(PATH, token=staff)).json
    assert {name: shown[name] for name in TABLES} == TABLES and shown["set_at"] and shown["set_by"]

    async with another_process(platform) as other:
        for process in (platform, other):
            platform.clock.advance(1)
            code = await platform.code(token, card_id)
            for scene in ("010101", "0101011", "gh"):
                refused = await process.scan(process.partner(), code, scene=scene)
                assert refused.error and refused.error[0] == "scene.unknown"
            refused = await process.scan(process.partner(), code, scene="GH", channel="0300")
            assert refused.error and refused.error[0] == "channel.unknown"
            seen = await process.scan(process.partner(), code, scene="0101012", channel="0100")
            row = db.usages.find_one({"_id": seen.body["verification_id"]})
            assert row and (row["scene"], row["channel"]) == ("0101014", "0200")
        # What the mapping leads to is judged, not what it is called: a static code does not pay.
        static = await platform.code(token, card_id, "static")
        paying = await other.scan(other.partner(), static, scene="SF.1")
        assert paying.error and paying.error[0] == "scene.requires_dynamic"

    asked = {"terminal_id": TERMINAL_ID, "scene": "SF.1", "channel": "W"}
    reply = await platform.partner().call("POST", "/partner/v1/authorization-requests", asked)
    waiting = db.authorization_requests.find_one({"_id": reply.body["request_id"]})
    assert waiting and (waiting["scene"], waiting["channel"]) == ("0101051", "0100")
    reply = await platform.partner().call(
        "POST", "/partner/v1/authorization-requests", asked | {"scene": "010105"}
    )
    assert reply.error and reply.error[0] == "scene.unknown"

    answer = await tell(
        platform,
        event(platform, "a", card_id=card_id, step="GH", channel="W", cost_type="YB"),
        event(platform, "b", card_id=card_id, step="GH", channel="W", cost_type="0200"),
        event(platform, "c", card_id=card_id, step="010101", channel="W", cost_type="YB"),
    )
    assert await outcomes(answer) == [
        ("accepted", None),
        ("refused", "cost_type.unknown"),
        ("refused", "scene.unknown"),
    ]
    # Another institution speaks our codes.
    await platform.admit("hospital-b-his", "T-0002", SCOPES)
    page = (await platform.http.get("/staff/v1/code-mappings?limit=1", token=staff)).json
    assert [row["version"] for row in page["code_mappings"]] == [1]
    rest = await platform.http.get(f"/staff/v1/code-mappings?cursor={page['next_cursor']}", token=staff)
    assert [row["version"] for row in rest.json["code_mappings"]] == [0]
    ours = await tell(platform, event(platform, "a", card_id=card_id), app_id="hospital-b-his")
    assert await outcomes(ours) == [("accepted", None)]


async def test_a_mapping_is_to_our_codes_and_changed_by_one_at_a_time(
    platform: Platform, db: Database[Any]
) -> None:
    staff = await platform.staff("partners.read", "partners.manage")
    refused = await put(platform, staff, steps={"GH": "777777", "X": "010101"}, channels={"W": "0999"})
    assert (refused.status, refused.error) == (422, "code_mapping.unknown_target")
    assert refused.json["error"]["detail"] == {"fields": ["steps.777777", "channels.0999"]}
    for method, body in (("GET", None), ("PUT", {"replaces": 0, **TABLES})):
        nobody = await platform.http.send(method, "/staff/v1/code-mappings/nobody", body, token=staff)
        assert (nobody.status, nobody.error) == (404, "institution.not_found")
    assert (await put(platform, staff)).status == 200
    assert (await put(platform, staff)).error == "code_mapping.changed"
    assert (await put(platform, staff, 1, steps={})).json["steps"] == {}
    assert [row["version"] for row in db.code_mappings.find().sort("version")] == [1, 2]
    assert db.audit.count_documents({"action": "code_mappings.put"}) == 2
    many = {f"S{n}": "010101" for n in range(501)}
    assert (await put(platform, staff, 2, steps=many)).error == "request.invalid"
    assert (await put(platform, staff, 2, steps={"a b": "010101"})).error == "request.invalid"


async def test_a_step_the_centre_adds_is_used_at_once_and_needs_the_code_that_renews_itself(
    platform: Platform,
) -> None:
    token, card_id, _ = await known_patient(platform)
    dispensary = "020101"
    unknown = await platform.scan(platform.partner(), await platform.code(token, card_id), scene=dispensary)
    assert unknown.error and unknown.error[0] == "scene.unknown"
    steps: dict[str, Any] = {code: step.model_dump() for code, step in STEPS.items()}
    await platform.decide(
        UsageTables,
        steps={**steps, dispensary: {"name": "collecting medicine"}, "030101": {"name": "x", "pays": True}},
    )
    static = await platform.code(token, card_id, "static")

    async def outcome(code: str, scene: str) -> str:
        reply = await platform.scan(platform.partner(), code, scene=scene)
        return (reply.error or ("accepted",))[0]

    platform.clock.advance(1)
    assert await outcome(await platform.code(token, card_id), dispensary) == "accepted"
    assert await outcome(static, dispensary) == "scene.requires_dynamic"
    await platform.decide(StaticCodePolicy, scenes=[dispensary, "030101"])
    assert await outcome(static, dispensary) == "accepted"
    assert await outcome(static, "030101") == "scene.requires_dynamic", "where money moves it never does"
