"""A family's cards (A3.1, A4.3.2): who may claim for whom, by which proof, and one card each (C3)."""

import asyncio
import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image
from pymongo.database import Database

from sandbox.registers import age, families
from sandbox.resident import Resident
from server.cards.policy import ClaimPolicy
from tests.harness import CITY, Answer, Platform

pytestmark = [pytest.mark.feature("C3"), pytest.mark.gen_test(timeout=60)]

BY_ID = {resident.id_no: resident for resident in (*CITY.residents, *CITY.visitors)}
FAMILIES = families(CITY.residents)


def family(number: int = 0, *, oldest: int = 13) -> tuple[Resident, Resident, Resident, dict[str, Any]]:
    """A child, its two parents, and the papers."""
    known = [one for one in FAMILIES if age(BY_ID[one["child"]["id_no"]]) <= oldest]
    papers = [one for one in known if one["child"]["id_type"] == "01"][number]
    father, mother = (BY_ID[parent["id_no"]] for parent in papers["parents"])
    return BY_ID[papers["child"]["id_no"]], father, mother, papers


async def adult(platform: Platform, resident: Resident) -> str:
    """The session of a grown-up who has the own card in it."""
    return (await platform.holder(resident))[0]


def certificate(papers: dict[str, Any]) -> dict[str, str]:
    return {"kind": "birth_certificate", "number": papers["birth_certificate_no"]}


async def for_child(
    platform: Platform, token: str, child: Resident, by: Resident, proof: Any, **more: Any
) -> Answer:
    return await platform.claim(token, child, phone=by.phone, relation="child", relation_proof=proof, **more)


async def test_a_child_does_not_claim_alone(platform: Platform) -> None:
    child, father, _, _ = family()
    token = await platform.sign_in(father)
    alone = await platform.claim(token, child, phone=father.phone)
    assert (alone.status, alone.error) == (422, "claim.guardian_required")


async def test_both_parents_have_the_card_of_their_child(platform: Platform, db: Database[Any]) -> None:
    child, father, mother, papers = family()
    tokens = {one: await adult(platform, one) for one in (father, mother)}
    household = {"kind": "household_register", "number": papers["household_no"]}
    one = await for_child(platform, tokens[father], child, father, certificate(papers))
    other = await for_child(platform, tokens[mother], child, mother, household)
    assert (one.status, other.status) == (201, 201), (one.body, other.body)
    assert one.json["card_id"] == other.json["card_id"]
    assert (one.json["relation"], one.json["status"]) == ("child", "active")
    card = db.cards.find_one({"_id": one.json["card_id"]})
    assert card is not None
    assert [tie["proof"]["kind"] for tie in card["ties"]] == ["birth_certificate", "household_register"]
    assert papers["birth_certificate_no"] not in str(card)


async def test_a_proof_is_asked_for_and_looked_at(platform: Platform, db: Database[Any]) -> None:
    child, father, _, papers = family()
    stranger = next(r for r in platform.residents if r not in (father, family()[2]))
    token = await adult(platform, stranger)
    none = await for_child(platform, token, child, stranger, None)
    assert (none.status, none.error) == (422, "relation.proof_required")
    assert "birth_certificate" in none.json["error"]["detail"]["kinds"]
    wrong = await for_child(platform, token, child, stranger, certificate(papers))
    assert (wrong.status, wrong.error) == (422, "relation.proof_refused")
    assert wrong.json["error"]["detail"]["reason"] == "unrelated"
    unknown = await for_child(platform, await platform.sign_in(father), child, father, certificate(papers))
    assert unknown.json["error"]["detail"]["reason"] == "own_card"
    assert db.cards.count_documents({"is_live": True}) == 1


async def test_the_civil_register_down_decides_nothing(platform: Platform, db: Database[Any]) -> None:
    child, father, _, papers = family()
    token = await adult(platform, father)
    await platform.fault("civil", refuse=True)
    down = await for_child(platform, token, child, father, certificate(papers))
    assert (down.status, down.error) == (503, "civil.unavailable")
    await platform.fault("civil")
    assert (await for_child(platform, token, child, father, certificate(papers))).status == 201


async def test_a_parent_consents_with_the_own_code(platform: Platform, db: Database[Any]) -> None:
    daughter, parent = platform.residents[0], platform.residents[1]
    token = await adult(platform, daughter)
    parent_token, parent_card = await platform.holder(parent)
    code = await platform.code(parent_token, parent_card)
    proof = {"kind": "consent_card", "code": code}
    claimed = await platform.claim(token, parent, relation="parent", relation_proof=proof)
    assert (claimed.status, claimed.json["card_id"]) == (201, parent_card), claimed.body
    assert claimed.json["relation"] == "parent"
    used = await platform.scan(platform.partner(), code)
    assert (used.status, used.error[0]) == (409, "code.already_used")
    await platform.work()
    assert "card_consented" in [message["kind"] for message in await platform.messages(parent_token)]
    other = await adult(platform, platform.residents[2])
    stolen = await platform.claim(other, parent, relation="parent", relation_proof=proof)
    assert (stolen.status, stolen.error) == (422, "relation.proof_refused")


async def sms(platform: Platform, phone: str, purpose: str) -> dict[str, str]:
    sent = await platform.http.post("/api/v1/sms-codes", {"phone": phone, "purpose": purpose})
    assert sent.status == 202, sent.body
    return {"request_id": sent.json["request_id"], "code": await platform.last_sms_code(phone)}


@pytest.mark.parametrize("has_card", [True, False])
async def test_a_parent_consents_by_sms(platform: Platform, has_card: bool) -> None:
    daughter, parent = platform.residents[0], platform.residents[1]
    token = await adult(platform, daughter)
    if has_card:
        await platform.holder(parent)
    own = {"kind": "consent_sms", **await sms(platform, daughter.phone, "consent")}
    refused = await platform.claim(token, parent, phone=daughter.phone, relation="parent", relation_proof=own)
    assert refused.json["error"]["detail"] == {"reason": "phone"}, refused.body
    other = {"kind": "consent_sms", **await sms(platform, parent.phone, "phone")}
    wrong = await platform.claim(token, parent, relation="parent", relation_proof=other)
    assert (wrong.status, wrong.error) == (422, "phone.code_wrong")
    proof = {"kind": "consent_sms", **await sms(platform, parent.phone, "consent")}
    claimed = await platform.claim(token, parent, relation="parent", relation_proof=proof)
    assert (claimed.status, claimed.json["status"]) == (201, "active"), claimed.body


async def test_a_phone_is_proven_within_the_claim(platform: Platform) -> None:
    resident = platform.residents[0]
    answer = await platform.http.post("/api/v1/sessions", {"method": "wechat", "code": "wx:bob"})
    token = str(answer.json["token"])
    needed = await platform.claim(token, resident)
    assert (needed.status, needed.error) == (422, "phone.code_required")
    given = await sms(platform, resident.phone, "phone")
    wrong = {**given, "code": "000000" if given["code"] != "000000" else "000001"}
    assert (await platform.claim(token, resident, phone_code=wrong)).error == "phone.code_wrong"
    claimed = await platform.claim(token, resident, phone_code=given)
    assert (claimed.status, claimed.json["status"]) == (201, "active"), claimed.body


async def test_a_code_of_somebody_else_is_no_consent(platform: Platform) -> None:
    daughter, parent = platform.residents[:2]
    token, own_card = await platform.holder(daughter)
    await platform.holder(parent)
    for text in (await platform.code(token, own_card), "0" * 64 + ":1::0000A0001", "x"):
        proof = {"kind": "consent_card", "code": text}
        refused = await platform.claim(token, parent, relation="parent", relation_proof=proof)
        assert (refused.status, refused.error) == (422, "relation.proof_refused"), refused.body


async def test_papers_of_a_guardian_are_looked_at(platform: Platform, db: Database[Any]) -> None:
    child, *_ = family()
    aunt = platform.residents[0]
    token = await adult(platform, aunt)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "PNG")
    uploaded = await platform.http.send("POST", "/api/v1/attachments", raw=buffer.getvalue(), token=token)
    attachment_id = uploaded.json["attachment_id"]
    proof = {"kind": "guardianship", "attachment_id": attachment_id}
    claimed = await platform.claim(token, child, phone=aunt.phone, relation="ward", relation_proof=proof)
    assert (claimed.status, claimed.json["pending_reason"]) == (202, "review"), claimed.body
    card_id = claimed.json["card_id"]
    staff = await platform.staff("claims.review")
    path = f"/staff/v1/claim-reviews/{card_id}"
    assert (await platform.http.get(path, token=staff)).json["attachment_ids"] == [attachment_id]
    picture = await platform.http.get(f"{path}/attachments/{attachment_id}", token=staff)
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/png")
    decided = await platform.http.post(
        f"{path}/decision", {"decision": "approve", "reason": "court order seen"}, token=staff
    )
    assert decided.json["status"] == "active"
    await platform.work()
    platform.clock.advance(31 * 86_400)
    await platform.work()
    assert db.attachments.count_documents({}) == 0
    another = await adult(platform, platform.residents[1])
    stolen = await platform.claim(
        another, family(1)[0], phone=platform.residents[1].phone, relation="ward", relation_proof=proof
    )
    assert stolen.error == "attachment.invalid"


async def with_papers(platform: Platform, token: str, ward: Resident, phone: str) -> Answer:
    """A guardian's claim for somebody, with one picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "PNG")
    uploaded = await platform.http.send("POST", "/api/v1/attachments", raw=buffer.getvalue(), token=token)
    proof = {"kind": "guardianship", "attachment_id": uploaded.json["attachment_id"]}
    return await platform.claim(token, ward, phone=phone, relation="ward", relation_proof=proof)


async def review(platform: Platform, claim_id: str, decision: str) -> Answer:
    path, staff = f"/staff/v1/claim-reviews/{claim_id}", await platform.staff("claims.review")
    shown = await platform.http.get(path, token=staff)
    assert shown.json["joins_card"] and len(shown.json["attachment_ids"]) == 1, shown.body
    body = {"decision": decision, "reason": "court order looked at"}
    return await platform.http.post(f"{path}/decision", body, token=staff)


async def test_papers_for_somebody_who_has_a_card_stop_nothing_and_are_looked_at(
    platform: Platform, db: Database[Any]
) -> None:
    guardian, ward, stranger = platform.residents[:3]
    ward_token, card_id = await platform.holder(ward)
    token = await adult(platform, guardian)
    claimed = await with_papers(platform, token, ward, guardian.phone)
    assert (claimed.status, claimed.json["status"], claimed.json["pending_reason"]) == (
        202,
        "pending",
        "review",
    ), claimed.body
    claim_id = claimed.json["card_id"]
    assert claim_id != card_id
    assert (claimed.json["ehealth_card_id"], claimed.json["may"]) == (None, [])
    # Asked again, with other papers, it is the same question; it takes one of the family's places.
    assert (await with_papers(platform, token, ward, guardian.phone)).json["card_id"] == claim_id
    options = (await platform.http.get("/api/v1/claim-options", token=token)).json
    assert options["family"]["used"] == 1

    # The card stays in use, and shows nobody that somebody asked.
    whole = await platform.http.get(f"/api/v1/cards/{card_id}", token=ward_token)
    assert whole.json["status"] == "active"
    assert (await platform.scan(platform.partner(), await platform.code(ward_token, card_id))).status == 200
    assert (await platform.http.get(f"/api/v1/cards/{claim_id}", token=ward_token)).status == 404
    assert (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).status == 404
    removal = await platform.http.send("DELETE", f"/api/v1/cards/{claim_id}", token=token)
    assert removal.error == "card.claim_in_progress"

    # Another stranger's papers are refused, and the card knows nothing of it.
    other_token = await adult(platform, stranger)
    other = (await with_papers(platform, other_token, ward, stranger.phone)).json["card_id"]
    assert (await review(platform, other, "refuse")).json["status"] == "refused"
    assert (await review(platform, claim_id, "approve")).json["status"] == "joined"
    again = await review(platform, claim_id, "refuse")
    assert (again.status, again.error) == (409, "review.decided")
    await platform.work()

    shown = (await platform.http.get("/api/v1/cards", token=token)).json["cards"]
    assert [card["relation"] for card in shown if card["card_id"] == card_id] == ["ward"]
    assert [card["status"] for card in shown] == ["active", "active"]
    followed = await platform.http.get(f"/api/v1/cards/{claim_id}", token=token)
    assert (followed.status, followed.json["card_id"]) == (200, card_id)
    assert (await platform.scan(platform.partner(), await platform.code(token, card_id))).status == 200
    refused = (await platform.http.get(f"/api/v1/cards/{other}", token=other_token)).json
    assert (refused["status"], refused["refused_reason"]) == ("refused", "review")
    told = [await platform.messages(one) for one in (token, ward_token, other_token)]
    assert [{message["kind"] for message in messages} - {"card_used"} for messages in told] == [
        {"card_joined"},
        {"card_shared"},
        {"card_refused_review"},
    ]
    assert db.cards.count_documents({"is_live": True}) == 3
    options = (await platform.http.get("/api/v1/claim-options", token=token)).json
    assert options["family"]["used"] == 1
    removed = await platform.http.send("DELETE", f"/api/v1/cards/{card_id}", token=token)
    assert removed.status == 204
    platform.clock.advance(31 * 86_400)
    await platform.work()
    assert db.attachments.count_documents({"card_id": {"$in": [claim_id, other]}}) == 0


async def test_papers_for_a_card_that_is_over_meanwhile_are_asked_for_again(
    platform: Platform, db: Database[Any]
) -> None:
    guardian, ward = platform.residents[:2]
    _, card_id = await platform.holder(ward)
    token = await adult(platform, guardian)
    claim_id = (await with_papers(platform, token, ward, guardian.phone)).json["card_id"]
    staff = await platform.staff("cards.freeze")
    ended = await platform.http.post(
        f"/staff/v1/cards/{card_id}/transitions", {"action": "cancel", "reason": "moved away"}, token=staff
    )
    assert ended.status == 200, ended.body
    decided = await review(platform, claim_id, "approve")
    assert decided.json["status"] == "refused"
    shown = await platform.http.get(f"/api/v1/cards/{claim_id}", token=token)
    assert shown.json["refused_reason"] == "held"
    await platform.work()
    assert "card_refused_held" in [message["kind"] for message in await platform.messages(token)]
    anew = await with_papers(platform, token, ward, guardian.phone)
    assert (anew.status, anew.json["pending_reason"]) == (202, "review")
    assert db.cards.find_one({"_id": anew.json["card_id"], "joins": {"$exists": True}}) is None


async def test_a_newborn_keeps_the_card_when_the_number_comes(platform: Platform, db: Database[Any]) -> None:
    baby = CITY.visitors[-1]
    papers = next(one for one in FAMILIES if one["child"]["id_type"] == "08")
    father = BY_ID[papers["parents"][0]["id_no"]]
    token = await adult(platform, father)
    told = {"gender": baby.gender, "birth_on": baby.birth_on.isoformat()}
    missing = await for_child(platform, token, baby, father, certificate(papers))
    assert (missing.status, missing.error) == (422, "document.needs_particulars")
    first = await for_child(platform, token, baby, father, certificate(papers), **told)
    assert (first.status, first.json["person"]["id_type"]) == (201, "08"), first.body

    first_17 = f"990101{baby.birth_on:%Y%m%d}002"
    from sandbox.city import check_digit

    number = first_17 + check_digit(first_17)
    named = {"name": baby.name, "id_type": "01", "id_no": number}
    family_now = {**papers, "child": named}
    for path, known in (("real_name/persons", {**named, "phone": None}), ("civil/families", family_now)):
        learnt = await platform.http.post(f"{platform.sandbox_url}/control/{path}", known)
        assert learnt.status == 201, learnt.body
    grown = Resident(baby.name, "01", number, baby.phone, baby.gender, baby.birth_on)
    second = await for_child(platform, token, grown, father, certificate(papers))
    assert (second.status, second.json["card_id"]) == (200, first.json["card_id"]), second.body
    assert second.json["person"]["id_type"] == "01"
    again = await for_child(platform, token, baby, father, certificate(papers), **told)
    assert again.json["card_id"] == first.json["card_id"]
    person = db.persons.find_one({"_id": db.cards.find_one({"_id": first.json["card_id"]})["person_id"]})
    assert len(person["documents"]) == 2
    assert db.cards.count_documents({"is_live": True}) == 2


async def test_a_family_has_so_many_places_and_no_more(platform: Platform, db: Database[Any]) -> None:
    await platform.decide(ClaimPolicy, family_limit=2)
    daughter, *others = platform.residents[:6]
    token = await adult(platform, daughter)
    proofs = []
    for other in others:
        other_token, card_id = await platform.holder(other)
        proofs.append({"kind": "consent_card", "code": await platform.code(other_token, card_id)})
    answers = await asyncio.gather(
        *(
            platform.claim(token, other, relation="parent", relation_proof=proof)
            for other, proof in zip(others, proofs, strict=True)
        )
    )
    assert Counter(answer.status for answer in answers) == {201: 2, 409: 3}
    assert {answer.error for answer in answers if answer.status == 409} == {"family.full"}
    options = (await platform.http.get("/api/v1/claim-options", token=token)).json
    assert options["family"] == {"limit": 2, "used": 2}
    held = next(answer.json["card_id"] for answer in answers if answer.status == 201)
    removed = await platform.http.send("DELETE", f"/api/v1/cards/{held}", token=token)
    assert removed.status == 204
    options = (await platform.http.get("/api/v1/claim-options", token=token)).json
    assert options["family"] == {"limit": 2, "used": 1}


async def test_who_is_old_enough_takes_the_own_card(platform: Platform, db: Database[Any]) -> None:
    child, father, _, papers = family(oldest=13)
    token = await adult(platform, father)
    card_id = (await for_child(platform, token, child, father, certificate(papers))).json["card_id"]
    birthday = datetime(child.birth_on.year + 16, child.birth_on.month, child.birth_on.day, tzinfo=UTC)
    platform.clock.advance((birthday - platform.clock.now()).total_seconds() + 86_400)
    own = await platform.sign_in(child)
    claimed = await platform.claim(own, child)
    assert (claimed.status, claimed.json["card_id"]) == (201, card_id), claimed.body
    assert claimed.json["relation"] == "self"
    await platform.work()
    father_again = await platform.sign_in(father)
    cards = (await platform.http.get("/api/v1/cards", token=father_again)).json["cards"]
    assert card_id not in [card["card_id"] for card in cards]
    assert "card_taken_over" in [message["kind"] for message in await platform.messages(father_again)]


async def test_options_say_what_there_is(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    options = (await platform.http.get("/api/v1/claim-options", token=token)).json
    kinds = {row["id_type"]: row["needs"] for row in options["documents"]}
    assert kinds["01"] == [] and kinds["03"] == ["gender", "birth_on"]
    assert not {"12", "13", "14"} & set(kinds)
    assert options["relations"]["parent"]["proofs_of_adult"] == [
        "consent_sms",
        "consent_card",
        "guardianship",
    ]
    assert options["family"] == {"limit": 8, "used": 0}
