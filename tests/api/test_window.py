"""A card at a window or a kiosk (A3.2.1, A3.2.2, B7.5, B7.7): read, proven face to face, printed (C2)."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from handlers.partner.cards import IssueRequest
from sandbox.city import Resident
from tests.harness import CITY, TERMINAL_ID, Platform

pytestmark = [pytest.mark.feature("C2"), pytest.mark.gen_test(timeout=60)]
SCOPES = ("verification", "cards.issue")


def body_of(resident: Resident, **changes: Any) -> dict[str, Any]:
    return {
        "name": resident.name,
        "id_type": resident.id_type,
        "id_no": resident.id_no,
        "phone": resident.phone,
        "terminal_id": TERMINAL_ID,
        "reading": {"how": "device", "device_no": "reader-7"},
        "face_to_face": {"clerk_id": "c-0042"},
        **changes,
    }


async def issue(platform: Platform, resident: Resident, **changes: Any) -> Any:
    body = body_of(resident, **changes)
    return await platform.partner().call("POST", "/partner/v1/cards", body)


async def test_a_visitor_gets_a_card_and_a_file(platform: Platform, db: Database[Any]) -> None:
    await platform.admit(scopes=SCOPES)
    visitor = platform.residents[0]
    issued = await issue(platform, visitor, hospital_patient_no="P-000123")
    assert issued.status == 201, issued.body
    assert (issued.body["card"]["status"], issued.body["is_new"]) == ("active", True)
    assert issued.body["static_code"].endswith(":1::0000A0001")
    assert issued.body["file"] == {"domain": "institution-of-hospital-a-his", "patient_no": "P-000123"}
    assert visitor.id_no not in str(issued.body)
    person_id = await platform.app.services.identifiers.find_person_id(
        "institution-of-hospital-a-his", "P-000123"
    )
    assert person_id == issued.body["person_id"]
    card = db.cards.find_one()
    assert card is not None
    [who] = card["issues"]
    assert (who["clerk_id"], who["terminal_id"], who["reading"]) == ("c-0042", TERMINAL_ID, "device")
    assert (who["place"], card["channel"], card["ties"]) == ("门诊收费窗口 3 号", "window", [])
    sources = [one["source"] for one in card["proof"]["evidence"]]
    assert "face_to_face" in sources
    act = db.audit.find_one({"action": "cards.issue"})
    assert act is not None and act["object"]["id"] == card["_id"]
    seen = await platform.scan(platform.partner(), issued.body["static_code"])
    assert seen.status == 200, seen.body
    assert seen.body["person"]["name"] == visitor.name


async def test_who_has_a_card_gets_it_printed_again_and_is_told(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.admit(scopes=SCOPES)
    token, card_id = await platform.holder(platform.residents[0])
    issued = await issue(platform, platform.residents[0])
    assert (issued.status, issued.body["is_new"]) == (200, False)
    assert issued.body["card"]["card_id"] == card_id
    await platform.work()
    assert "card_reprinted" in [message["kind"] for message in await platform.messages(token)]
    assert db.cards.count_documents({}) == 1


async def test_the_holder_takes_the_card_over_online(platform: Platform, db: Database[Any]) -> None:
    """It replaces a dead end: the phone written at the window was another one."""
    await platform.admit(scopes=SCOPES)
    visitor, stranger = platform.residents[0], platform.residents[1]
    issued = await issue(platform, visitor, phone="19900009999")
    assert issued.status == 201
    refused = await platform.claim(await platform.sign_in(stranger), visitor, phone=stranger.phone)
    assert refused.status in (409, 422)
    token = await platform.sign_in(visitor)
    claimed = await platform.claim(token, visitor)
    assert (claimed.status, claimed.json["card_id"]) == (201, issued.body["card"]["card_id"])
    assert claimed.json["person"]["phone_masked"] == visitor.phone[:3] + "****" + visitor.phone[-4:]
    card = db.cards.find_one()
    assert card is not None and len(card["ties"]) == 1
    await platform.work()


async def test_wrong_names_and_documents_that_prove_nobody(platform: Platform, db: Database[Any]) -> None:
    await platform.admit(scopes=SCOPES)
    visitor = platform.residents[0]
    typed = {"how": "typed"}
    wrong = await issue(platform, visitor, name="李不对", reading=typed)
    assert (wrong.status, wrong.error[0]) == (422, "identity.mismatch")
    nobody = await issue(platform, visitor, id_type="12")
    assert (nobody.status, nobody.error[0]) == (422, "document.proves_nobody")
    issued = await issue(platform, visitor, reading=typed)
    assert issued.status == 201
    known = await issue(platform, visitor, id_type="12")
    assert (known.status, known.body["card"]["card_id"]) == (200, issued.body["card"]["card_id"])


async def test_a_child_comes_with_a_guardian(platform: Platform) -> None:
    await platform.admit(scopes=SCOPES)
    child = next(resident for resident in CITY.residents if resident.birth_on.year > 2016)
    alone = await issue(platform, child)
    assert (alone.status, alone.error[0]) == (422, "claim.guardian_required")
    guardian = {"name": platform.residents[0].name, "relation": "mother"}
    assert (await issue(platform, child, guardian=guardian)).status == 201


async def test_a_source_that_is_down_leaves_it_pending(platform: Platform) -> None:
    await platform.admit(scopes=SCOPES)
    await platform.fault("real_name", refuse=True)
    waiting = await issue(platform, platform.residents[0], reading={"how": "typed"})
    assert (waiting.status, waiting.body["card"]["pending_reason"]) == (202, "source")
    assert waiting.body["static_code"] is None
    await platform.fault("real_name")
    platform.clock.advance(600)
    await platform.work()
    again = await issue(platform, platform.residents[0])
    assert (again.status, again.body["card"]["status"]) == (200, "active")


async def test_the_code_is_printed_for_who_gave_it_out_or_saw_it(platform: Platform) -> None:
    await platform.admit(scopes=SCOPES)
    await platform.admit("hospital-b-his", "T-0002", SCOPES)
    card_id = (await issue(platform, platform.residents[0])).body["card"]["card_id"]
    path = f"/partner/v1/cards/{card_id}/print"
    own, other = platform.partner(), platform.partner("hospital-b-his")
    for form, magic in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("label", b"%PDF"), ("wristband", b"%PDF")):
        answer = (
            await own.call("GET", path, query=f"form={form}")
            if False
            else await printed(platform, path, form)
        )
        assert (answer.status, answer.body[:4]) == (200, magic[:4])
    foreign = await other.call("GET", path)
    assert (foreign.status, foreign.error[0]) == (404, "card.not_found")
    token, held = await platform.holder(platform.residents[1])
    assert (await own.call("GET", f"/partner/v1/cards/{held}/print")).status == 404
    await platform.scan(own, await platform.code(token, held))
    assert (await printed(platform, f"/partner/v1/cards/{held}/print", "png")).status == 200
    platform.clock.advance(86_401)
    assert (await printed(platform, path, "png")).status == 404


async def printed(platform: Platform, path: str, form: str) -> Any:
    from tests.api.calls import call

    return await call(platform, method="GET", path=path, query=f"form={form}").send(platform.http)


async def test_without_the_scope_there_is_no_card(platform: Platform) -> None:
    refused = await issue(platform, platform.residents[0])
    assert (refused.status, refused.error[0]) == (403, "scope.missing")


async def test_ten_windows_and_the_holder_at_once_make_one_card(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.admit(scopes=SCOPES)
    visitor = platform.residents[0]
    token = await platform.sign_in(visitor)
    answers = await asyncio.gather(
        *(issue(platform, visitor) for _ in range(10)), *(platform.claim(token, visitor) for _ in range(10))
    )
    assert {answer.status for answer in answers} <= {200, 201, 202}
    assert db.cards.count_documents({"is_live": True}) == 1
    assert db.persons.count_documents({}) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_body_is_taken_for_another_type(data: st.DataObject) -> None:
    """Pure: what the model takes it can hand on; the rest is a shape error."""
    values = (
        st.none()
        | st.text(max_size=20)
        | st.integers()
        | st.dictionaries(st.text(max_size=5), st.text(max_size=5))
    )
    changed = data.draw(
        st.dictionaries(st.sampled_from(sorted(IssueRequest.model_fields)), values, max_size=4)
    )
    body = {**body_of(CITY.residents[0]), **changed}
    try:
        asked = IssueRequest.model_validate(body)
    except ValueError:
        return
    assert asked.visitor().name and asked.counter().terminal_id
