"""The review desk (A3.1 (2)): claims the policy wants looked at, with papers, decided with a reason (C1)."""

import asyncio
import io
from typing import Any

import pytest
from PIL import Image
from pymongo.database import Database

from server.core.audit import Actor
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("C1", "I1"), pytest.mark.gen_test(timeout=60)]


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "blue").save(buffer, "JPEG")
    return buffer.getvalue()


async def rule(platform: Platform, **changes: Any) -> None:
    """What the card centre decides about claims."""
    policies = platform.app.services.policies
    version, _ = await policies.describe("claims")
    await policies.put("claims", changes, version, Actor("system", "test"))


async def waiting(platform: Platform) -> tuple[str, str]:
    """(token, card_id) of a resident whose claim waits for people."""
    await rule(platform, review_channels=["web"])
    token = await platform.sign_in(platform.residents[0])
    claimed = await platform.claim(token, platform.residents[0])
    assert (claimed.status, claimed.json["pending_reason"]) == (202, "review"), claimed.body
    return token, str(claimed.json["card_id"])


async def decide(platform: Platform, staff: str, card_id: str, decision: str, **more: Any) -> Answer:
    body = {"decision": decision, "reason": "照片看不清楚，请再拍一张", **more}
    return await platform.http.post(f"/staff/v1/claim-reviews/{card_id}/decision", body, token=staff)


async def test_a_claim_under_review_is_approved(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await waiting(platform)
    assert db.persons.count_documents({}) == 0
    staff = await platform.staff("claims.review")
    listed = await platform.http.get("/staff/v1/claim-reviews", token=staff)
    [row] = listed.json["reviews"]
    assert (row["card_id"], row["reasons"], row["channel"]) == (card_id, ["channel"], "web")
    assert platform.residents[0].id_no not in listed.body.decode()
    one = await platform.http.get(f"/staff/v1/claim-reviews/{card_id}", token=staff)
    assert one.json["claimant"]["id_no"] == platform.residents[0].id_no
    assert one.json["evidence"][0]["serial_no"]

    platform.clock.advance(600)
    await platform.work()
    assert (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json["status"] == "pending"

    decided = await decide(platform, staff, card_id, "approve")
    assert (decided.status, decided.json["status"], decided.json["decision"]) == (200, "active", "approve")
    card = (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json
    assert (card["status"], card["pending_reason"], card["review_note"]) == ("active", None, None)
    await platform.work()
    assert [message["kind"] for message in await platform.messages(token)] == ["card_ready"]
    assert (await platform.http.get("/staff/v1/claim-reviews", token=staff)).json["reviews"] == []
    acts = [row["action"] for row in db.audit.find({"actor.kind": "staff"}, sort=[("_id", 1)])]
    assert acts == ["claim_reviews.open", "claim_reviews.decide"]


async def test_a_refused_claimant_is_told_why_and_may_claim_again(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id = await waiting(platform)
    staff = await platform.staff("claims.review")
    assert (await decide(platform, staff, card_id, "refuse")).status == 200
    card = (await platform.http.get(f"/api/v1/cards/{card_id}", token=token)).json
    assert (card["status"], card["refused_reason"]) == ("refused", "review")
    assert card["review_note"] == "照片看不清楚，请再拍一张"
    await platform.work()
    [message] = await platform.messages(token)
    assert message["kind"] == "card_refused_review"
    assert "照片看不清楚" not in str(db.cards.find_one({"_id": card_id}))
    again = await platform.claim(token, platform.residents[0])
    assert again.status == 202
    assert again.json["card_id"] != card_id


async def test_a_claim_is_decided_once(platform: Platform, db: Database[Any]) -> None:
    _, card_id = await waiting(platform)
    one, other = await platform.staff("claims.review"), await platform.staff("claims.review")
    answers = await asyncio.gather(
        *(
            decide(platform, staff, card_id, decision)
            for staff, decision in ((one, "approve"), (other, "refuse"), (one, "approve"), (other, "refuse"))
        )
    )
    assert {answer.error for answer in answers if answer.status != 200} <= {"review.decided"}
    winners = {answer.json["decision"] for answer in answers if answer.status == 200}
    assert len(winners) == 1
    assert db.cards.count_documents({}) == 1
    late = await decide(platform, other, card_id, "refuse")
    assert (late.status, late.error) == (409, "review.decided")


async def test_only_reviewers_see_and_decide(platform: Platform) -> None:
    token, card_id = await waiting(platform)
    clerk = await platform.staff("persons.read")
    for path in ("/staff/v1/claim-reviews", f"/staff/v1/claim-reviews/{card_id}"):
        assert (await platform.http.get(path, token=clerk)).error == "permission.missing"
        assert (await platform.http.get(path, token=token)).status == 401
    assert (await decide(platform, clerk, card_id, "approve")).error == "permission.missing"
    staff = await platform.staff("claims.review")
    unknown = await decide(platform, staff, "01M82D0BXAZ5CJPSD5ZVTSSH31", "approve")
    assert (unknown.status, unknown.error) == (404, "review.not_found")


async def test_a_card_nobody_reviews_is_no_review(platform: Platform) -> None:
    _, card_id = await platform.holder(platform.residents[0])
    staff = await platform.staff("claims.review")
    assert (await platform.http.get(f"/staff/v1/claim-reviews/{card_id}", token=staff)).status == 404


async def test_the_list_comes_in_pages(platform: Platform) -> None:
    await rule(platform, review_documents=["01"])
    for resident in platform.residents[:3]:
        assert (await platform.claim(await platform.sign_in(resident), resident)).status == 202
    staff = await platform.staff("claims.review")
    first = (await platform.http.get("/staff/v1/claim-reviews?limit=2", token=staff)).json
    rest = await platform.http.get(
        f"/staff/v1/claim-reviews?limit=2&cursor={first['next_cursor']}", token=staff
    )
    assert (len(first["reviews"]), len(rest.json["reviews"]), rest.json["next_cursor"]) == (2, 1, None)


# -- papers
async def upload(platform: Platform, token: str, raw: bytes | None = None, **more: Any) -> Answer:
    headers = {"Content-Type": "image/jpeg"}
    sent = picture() if raw is None else raw
    return await platform.http.send(
        "POST", "/api/v1/attachments", raw=sent, token=token, headers=headers, **more
    )


async def test_a_paper_is_seen_by_its_owner_alone(platform: Platform, db: Database[Any]) -> None:
    token, other = [await platform.sign_in(resident) for resident in platform.residents[:2]]
    uploaded = await upload(platform, token)
    assert (uploaded.status, uploaded.json["media_type"]) == (201, "image/jpeg")
    path = f"/api/v1/attachments/{uploaded.json['attachment_id']}"
    seen = await platform.http.get(path, token=token)
    assert (seen.status, seen.headers["Content-Type"]) == (200, "image/jpeg")
    assert len(seen.body) == uploaded.json["bytes"]
    assert seen.body not in db.attachments.find_one()["picture"]
    assert (await platform.http.get(path, token=other)).error == "attachment.not_found"
    assert (await platform.http.get(path)).status == 401


async def test_what_is_no_picture_is_refused(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    refused = await upload(platform, token, b"%PDF-1.7 a document")
    assert (refused.status, refused.error) == (422, "attachment.invalid")
    assert (await upload(platform, token, bytes(900 * 1024 + 1))).status == 413
    assert db.attachments.count_documents({}) == 0
    for _ in range(29):
        assert (await upload(platform, token)).status == 201
    assert (await upload(platform, token)).error == "attachment.too_many"


async def test_a_paper_nobody_used_goes_after_a_day(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    assert (await upload(platform, token)).status == 201
    platform.clock.advance(86_399)
    await platform.work()
    assert db.attachments.count_documents({}) == 1
    platform.clock.advance(2)
    await platform.work()
    assert db.attachments.count_documents({}) == 0
