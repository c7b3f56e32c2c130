"""Staff find, see masked, correct, decide reviews and merge persons; every look is on record (I3, I5, I7)."""

from typing import Any

import pytest
from pymongo.database import Database

from server.identity.documents import read_document
from tests.harness import Platform
from tests.stores.persons import HOSPITAL, identity_card, passport, person_id_of, register, said

pytestmark = [pytest.mark.feature("I7"), pytest.mark.gen_test]
PERSONS = "/staff/v1/persons"
CARD = identity_card(12)
WHOLE = ("欧阳明月", CARD.number, "19900000001", "槐荫路", "1980-05-17")


async def somebody(platform: Platform) -> str:
    contact = {"phone": "19900000001", "address": "云溪市槐荫路 17 号", "nation": "01"}
    return await person_id_of(platform, said("欧阳明月", CARD, **contact))


async def test_a_record_is_masked_and_shown_whole_for_a_reason_on_record(
    platform: Platform, db: Database[Any]
) -> None:
    person_id = await somebody(platform)
    token = await platform.staff("persons.read", "persons.unmask")
    masked = await platform.http.get(f"{PERSONS}/{person_id}", token=token)
    assert masked.json["name"] == "欧***"
    assert (masked.json["is_masked"], masked.json["birth_year"]) == (True, 1980)
    assert not [text for text in WHOLE if text in masked.body.decode()]
    reason = {"reason": "she asks why a letter went astray"}
    whole = await platform.http.post(f"{PERSONS}/{person_id}/unmasked", reason, token=token)
    assert [text for text in WHOLE if text in whole.body.decode()] == list(WHOLE)
    acts = [
        (row["action"], row["object"]["id"], row["detail"]) for row in db.audit.find({"actor.kind": "staff"})
    ]
    assert ("persons.open", person_id, {}) in acts
    assert ("persons.unmask", person_id, reason) in acts


async def test_masked_is_all_there_is_without_the_permission(platform: Platform) -> None:
    person_id = await somebody(platform)
    token = await platform.staff("persons.read")
    refused = await platform.http.post(f"{PERSONS}/{person_id}/unmasked", {"reason": "curious"}, token=token)
    assert (refused.status, refused.error) == (403, "permission.missing")
    without = await platform.http.post(
        f"{PERSONS}/{person_id}/unmasked", {}, token=await platform.staff("persons.unmask")
    )
    assert (without.status, without.error) == (400, "request.invalid")


async def test_searches_find_by_what_identifies(platform: Platform, db: Database[Any]) -> None:
    person_id = await somebody(platform)
    await person_id_of(platform, said("赵敏", identity_card(14), phone="19900000002"))
    await platform.app.services.identifiers.bind("hospital-a", "A-17", person_id, HOSPITAL)
    token = await platform.staff("persons.read")
    for wanted in (
        {"document": {"id_type": "01", "id_no": CARD.number}},
        {"document": {"id_type": "01", "id_no": CARD.number[:6] + CARD.number[8:17]}},
        {"phone": "199 0000 0001"},
        {"identifier": {"domain": "hospital-a", "value": "A-17"}},
        {"name": "欧阳明月", "birth_on": "1980-05-17"},
    ):
        found = await platform.http.post(f"{PERSONS}/searches", wanted, token=token)
        assert [one["person_id"] for one in found.json["persons"]] == [person_id], wanted
        assert "欧阳明月" not in found.body.decode()
    nobody = await platform.http.post(f"{PERSONS}/searches", {"phone": "19900000009"}, token=token)
    assert nobody.json == {"persons": []}
    vague = await platform.http.post(f"{PERSONS}/searches", {"name": "欧阳明月"}, token=token)
    assert (vague.status, vague.error) == (422, "person.search_incomplete")
    searches = list(db.audit.find({"action": "persons.search"}))
    assert len(searches) == 6
    assert not [text for text in WHOLE if text in str(searches)]


@pytest.mark.feature("I3")
async def test_a_correction_keeps_the_former_name_and_wants_the_newest_version(
    platform: Platform, db: Database[Any]
) -> None:
    person_id = await somebody(platform)
    token = await platform.staff("persons.write", "persons.read")
    change = {"version": 1, "reason": "married", "name": "林明月", "phone": "19900000003"}
    answer = await platform.http.send("PATCH", f"{PERSONS}/{person_id}", change, token=token)
    assert (answer.status, answer.json["version"], answer.json["name"]) == (200, 2, "林**")
    person = await platform.app.services.identity.get_person(person_id)
    assert (person.name, person.other_names, person.contact.phone) == ("林明月", ("欧阳明月",), "19900000003")
    late = await platform.http.send("PATCH", f"{PERSONS}/{person_id}", change, token=token)
    assert (late.status, late.error) == (409, "person.changed")
    [act] = db.audit.find({"action": "persons.correct"})
    assert act["detail"]["fields"] == ["name", "other_names", "phone"]
    found = await platform.http.post(f"{PERSONS}/searches", {"phone": "19900000003"}, token=token)
    assert [one["person_id"] for one in found.json["persons"]] == [person_id]


@pytest.mark.feature("I3")
async def test_a_merge_and_its_reversal_take_two_people(platform: Platform) -> None:
    survivor = await somebody(platform)
    absorbed = await person_id_of(platform, said("Maria Silva", passport("EA1234567")))
    maker, checker = [
        await platform.staff("merges.propose", "merges.approve", "persons.read") for _ in range(2)
    ]
    proposal = {"absorbed_id": absorbed, "survivor_id": survivor, "reason": "seen with both papers"}
    made = await platform.http.post("/staff/v1/merges", proposal, token=maker)
    path = f"/staff/v1/merges/{made.json['merge_id']}"
    own = await platform.http.post(f"{path}/approval", token=maker)
    assert (made.status, own.status, own.error) == (201, 403, "merge.needs_another")
    done = await platform.http.post(f"{path}/approval", token=checker)
    assert (done.status, done.json["state"]) == (200, "done")
    led = await platform.http.get(f"{PERSONS}/{absorbed}", token=maker)
    assert led.json["person_id"] == survivor
    await platform.http.post(f"{path}/reversal", {"reason": "two women"}, token=checker)
    back = await platform.http.post(f"{path}/reversal/approval", token=maker)
    assert back.json["state"] == "reversed"
    assert [step["what"] for step in back.json["steps"]] == [
        "proposed",
        "approved",
        "reversal_proposed",
        "reversal_approved",
    ]
    led = await platform.http.get(f"{PERSONS}/{absorbed}", token=maker)
    assert led.json["person_id"] == absorbed
    listed = await platform.http.get("/staff/v1/merges?state=reversed", token=maker)
    assert [one["merge_id"] for one in listed.json["merges"]] == [made.json["merge_id"]]


@pytest.mark.feature("I5", "C1")
async def test_a_claim_waits_for_the_review_and_then_goes_on_by_itself(
    platform: Platform, db: Database[Any]
) -> None:
    """Somebody of the same sound, born on the same day, is in the index: staff decide that they are two."""
    resident = platform.residents[0]
    other = await alike(platform, resident)
    session = await platform.sign_in(resident)
    claimed = await platform.claim(session, resident)
    assert (claimed.status, claimed.json["status"]) == (202, "pending")
    await platform.work()
    token = await platform.staff("persons.read", "persons.write")
    [review] = (await platform.http.get("/staff/v1/person-reviews", token=token)).json["reviews"]
    assert [one["person_id"] for one in review["candidates"]] == [other]
    opened = await platform.http.get(f"/staff/v1/person-reviews/{review['review_id']}", token=token)
    assert resident.name not in opened.body.decode()
    assert {field["field"] for field in review["candidates"][0]["because"]["fields"]} >= {"name", "born_on"}
    decision = {"decision": "new", "reason": "two people: he was here"}
    path = f"/staff/v1/person-reviews/{review['review_id']}/decision"
    decided = await platform.http.post(path, decision, token=token)
    assert (decided.status, decided.json["decided"]["decision"]) == (200, "new")
    await platform.work()
    card = (await platform.http.get(f"/api/v1/cards/{claimed.json['card_id']}", token=session)).json
    assert card["status"] == "active"
    row = db.cards.find_one({"_id": claimed.json["card_id"]})
    assert row is not None
    assert row["person_id"] == decided.json["decided"]["person_id"] != other


@pytest.mark.feature("I5", "C1")
async def test_a_claim_is_refused_when_the_review_refuses(platform: Platform) -> None:
    resident = platform.residents[0]
    await alike(platform, resident)
    session = await platform.sign_in(resident)
    claimed = await platform.claim(session, resident)
    reviews = platform.app.services.person_reviews
    [review] = (await reviews.list_in(True, None, 10)).items
    token = await platform.staff("persons.write")
    path = f"/staff/v1/person-reviews/{review.review_id}/decision"
    await platform.http.post(path, {"decision": "refused", "reason": "a stolen card"}, token=token)
    await platform.work()
    card = (await platform.http.get(f"/api/v1/cards/{claimed.json['card_id']}", token=session)).json
    assert card["status"] == "refused"


async def alike(platform: Platform, resident: Any) -> str:
    """Somebody with a passport whose name sounds as the resident's, and who was born the same day."""
    now = platform.clock.now().date()
    card = read_document("01", resident.id_no, now, allows_test_numbers=True)
    document = passport("EA7654321", card.born_on, card.gender)
    registered = await register(platform, said(resident.name[0] + "玮", document))
    assert registered.person is not None
    return registered.person.person_id
