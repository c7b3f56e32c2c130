"""Admission: nothing works before two people have said yes, and everything stops when one says stop."""

import argparse
import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.partner_client import PartnerClient, Unauthenticated
from server import commands
from server.core.crypto.provider import choose_provider
from tests.api.calls import another_process
from tests.harness import APP_ID, Platform

pytestmark = [pytest.mark.feature("V3", "S3"), pytest.mark.gen_test(timeout=60)]
SM2 = choose_provider()
PAIR, NEXT = SM2.generate_key_pair(), SM2.generate_key_pair()
APP, TERMINAL = "river-hospital-his", "RIVER-01"
CODE = "91350100M000100Y43"  # the example of GB 32100, nobody's
REQUIRED = ("registered", "form_stamped", "network", "contact")


def form(**changes: Any) -> dict[str, Any]:
    body = {
        "app_id": APP,
        "institution": {
            "institution_id": "river-hospital",
            "name": "云溪市河滨医院",
            "code": CODE,
            "address": "云溪市河滨路 1 号",
            "contact_name": "测试联系人",
            "contact_phone": "19900009999",
        },
        "key_id": "k1",
        "public_key_hex": PAIR.public.hex(),
        "scopes": ["app", "verification"],
        "terminals": [{"terminal_id": TERMINAL, "place": "挂号窗口 1 号", "channel": "0100"}],
        "purpose": "registration and paying at our windows",
        **changes,
    }
    lines = ("EHC-ADMISSION-1", APP, CODE, body["key_id"], body["public_key_hex"])
    text = "".join(line + "\n" for line in lines).encode()
    signature = SM2.private_key(PAIR.private).sign(text)
    return {"signature": base64.b64encode(signature).decode(), **body}


def client(platform: Platform, key_id: str = "k1", private: bytes = PAIR.private) -> PartnerClient:
    return PartnerClient(
        api=platform.http.base,
        app_id=APP,
        key_id=key_id,
        private_key_hex=private.hex(),
        platform_public_key_hex=platform.app.seals.platform_public_key().hex(),
        now=lambda: platform.clock.now().timestamp(),
    )


async def apply(platform: Platform) -> tuple[str, str]:
    """(admission id, the institution's token) of an application with its papers."""
    sent = await platform.http.post("/partner/v1/admissions", form())
    assert sent.status == 201, sent.body
    token = sent.json["token"]
    paper = await platform.http.send(
        "POST",
        "/partner/v1/admissions/documents?kind=application_form",
        raw=b"%PDF-1.7 a stamped form",
        headers={"X-Admission-Token": token, "Content-Type": "application/pdf"},
    )
    assert paper.status == 201, paper.body
    return sent.json["admission"]["admission_id"], token


async def review(platform: Platform, token: str, admission_id: str, step: str, decision: str = "pass") -> Any:
    body = {"decision": decision, "reason": "papers seen"}
    return await platform.http.post(f"/staff/v1/admissions/{admission_id}/{step}", body, token=token)


async def meet_criteria(platform: Platform, token: str) -> None:
    for name in REQUIRED:
        path = f"/staff/v1/partners/{APP}/criteria/{name}"
        met = await platform.http.send("PUT", path, {"state": "met", "note": "seen"}, token=token)
        assert met.status == 200, met.body


async def admitted(platform: Platform) -> tuple[str, str]:
    """Tokens of the clerk and the reviewer who admitted the app."""
    clerk = await platform.staff("partners.read", "partners.manage")
    reviewer = await platform.staff("partners.read", "partners.review")
    admission_id, _ = await apply(platform)
    await meet_criteria(platform, clerk)
    assert (await review(platform, clerk, admission_id, "vetting")).status == 200
    decided = await review(platform, reviewer, admission_id, "decision")
    assert decided.status == 200, decided.body
    return clerk, reviewer


async def is_answered(platform: Platform, key_id: str = "k1", private: bytes = PAIR.private) -> bool:
    try:
        reply = await client(platform, key_id, private).call("GET", "/partner/v1/app")
    except Unauthenticated:
        return False
    assert reply.status == 200
    return True


async def test_nothing_works_before_approval_and_it_does_after(platform: Platform) -> None:
    clerk = await platform.staff("partners.read", "partners.manage")
    reviewer = await platform.staff("partners.read", "partners.review")
    admission_id, token = await apply(platform)
    assert not await is_answered(platform)
    early = await review(platform, reviewer, admission_id, "decision")
    assert (early.status, early.error) == (409, "admission.criteria_open")
    await meet_criteria(platform, clerk)
    early = await review(platform, reviewer, admission_id, "decision")
    assert (early.status, early.error) == (409, "admission.not_in_state")
    assert (await review(platform, clerk, admission_id, "vetting")).status == 200
    assert not await is_answered(platform)
    assert (await review(platform, reviewer, admission_id, "decision")).status == 200
    assert await is_answered(platform)
    await platform.work()
    merchant = await platform.app.services.merchants.find_of("river-hospital")
    assert merchant is not None and merchant.channels == {}
    register = await platform.http.get(f"/staff/v1/partners/{APP}", token=clerk)
    assert register.json["merchant"]["merchant_id"] == merchant.merchant_id
    state = await platform.http.post("/partner/v1/admissions/states", {"token": token})
    assert (state.json["state"], len(state.json["documents"])) == ("admitted", 1)


async def test_who_vets_does_not_decide(platform: Platform) -> None:
    both = await platform.staff("partners.read", "partners.manage", "partners.review")
    admission_id, _ = await apply(platform)
    await meet_criteria(platform, both)
    assert (await review(platform, both, admission_id, "vetting")).status == 200
    refused = await review(platform, both, admission_id, "decision")
    assert (refused.status, refused.error) == (403, "admission.same_reviewer")
    assert not await is_answered(platform)


async def test_a_refusal_is_told_with_its_reason(platform: Platform) -> None:
    clerk = await platform.staff("partners.read", "partners.manage")
    admission_id, token = await apply(platform)
    assert (await review(platform, clerk, admission_id, "vetting", "refuse")).status == 200
    state = await platform.http.post("/partner/v1/admissions/states", {"token": token})
    assert (state.json["state"], state.json["reason"]) == ("refused", "papers seen")
    again = await platform.http.post("/partner/v1/admissions", form())
    assert again.status == 201, "the app id is free for a better application"


async def test_reviewers_see_whether_the_institution_is_in_the_register_already(platform: Platform) -> None:
    clerk = await platform.staff("partners.read", "partners.manage")
    reviewer = await platform.staff("partners.read", "partners.review")

    async def apps_of(institution_id: str) -> list[tuple[str, str]]:
        path = f"/staff/v1/partners?institution_id={institution_id}"
        answer = await platform.http.get(path, token=reviewer)
        assert answer.json["next_cursor"] is None
        return [(one["app_id"], one["institution"]) for one in answer.json["partners"]]

    admission_id, _ = await apply(platform)
    assert await apps_of("river-hospital") == [], "applied for is not registered"
    await meet_criteria(platform, clerk)
    assert (await review(platform, clerk, admission_id, "vetting")).status == 200
    assert (await review(platform, reviewer, admission_id, "decision")).status == 200
    assert await apps_of("river-hospital") == [(APP, "云溪市河滨医院")]
    [other] = await apps_of(f"institution-of-{APP_ID}")
    assert other[0] == APP_ID
    page = await platform.http.get("/staff/v1/partners?institution_id=river-hospital&limit=1", token=reviewer)
    assert page.json["next_cursor"] is None, "the others are no next page of it"
    wrong = await platform.http.get("/staff/v1/partners?institution_id=a%20b", token=reviewer)
    assert wrong.error == "request.invalid"


async def test_what_was_taken_since_is_not_granted(platform: Platform) -> None:
    clerk = await platform.staff("partners.read", "partners.manage")
    reviewer = await platform.staff("partners.read", "partners.review")
    admission_id, token = await apply(platform)
    await meet_criteria(platform, clerk)
    assert (await review(platform, clerk, admission_id, "vetting")).status == 200
    await platform.admit("another-his", TERMINAL)
    late = await review(platform, reviewer, admission_id, "decision")
    assert (late.status, late.error) == (409, "terminal.taken")
    await platform.admit(APP, "OTHER-01")
    late = await review(platform, reviewer, admission_id, "decision")
    assert (late.status, late.error) == (409, "admission.app_taken")
    state = await platform.http.post("/partner/v1/admissions/states", {"token": token})
    assert state.json["state"] == "vetted", "nobody is told that it was admitted"
    assert (await review(platform, reviewer, admission_id, "decision", "refuse")).status == 200


async def test_papers_that_are_not_taken_are_not_kept(platform: Platform) -> None:
    admission_id, token = await apply(platform)

    async def send() -> Any:
        return await platform.http.send(
            "POST",
            "/partner/v1/admissions/documents?kind=licence",
            raw=b"%PDF-1.7 a licence",
            headers={"X-Admission-Token": token, "Content-Type": "application/pdf"},
        )

    answers = await asyncio.gather(*(send() for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [201] * 9 + [409] * 3
    assert (await send()).error == "admission.closed"
    clerk = await platform.staff("partners.read")
    path = f"/staff/v1/admissions/{admission_id}"
    for kept in (await platform.http.get(path, token=clerk)).json["documents"]:
        read = await platform.http.get(f"{path}/documents/{kept['document_id']}", token=clerk)
        assert (read.status, len(read.body)) == (200, kept["bytes"])
        assert read.body.startswith(b"%PDF-1.7 a ")
    papers = platform.app.mongo.collection("admission_documents")
    assert await papers.count({"admission_id": admission_id}) == 10


async def test_a_decision_whose_process_died_is_finished_by_the_worker(platform: Platform) -> None:
    clerk, _ = await admitted(platform)
    await platform.app.mongo.collection("apps").delete({"_id": APP})
    await platform.app.services.partner_register._versions.bump("partners")
    assert not await is_answered(platform)
    await platform.work()
    assert await is_answered(platform)
    suspended = await platform.http.send(
        "PUT", f"/staff/v1/partners/{APP}/suspension", {"reason": "an incident"}, token=clerk
    )
    assert suspended.status == 204


async def test_suspension_ends_sessions_on_every_process_at_the_next_look(platform: Platform) -> None:
    clerk, reviewer = await admitted(platform)
    session = await client(platform).open_session(TERMINAL)
    async with another_process(platform) as other:
        theirs = client(other)
        assert (await theirs.call("GET", "/partner/v1/app", session=session)).status == 200
        path = f"/staff/v1/partners/{APP}/suspension"
        assert (await platform.http.send("PUT", path, {"reason": "an incident"}, token=clerk)).status == 204
        await other.app.versions.poll()
        for signed_by in (session, None):
            with pytest.raises(Unauthenticated):
                await theirs.call("GET", "/partner/v1/app", session=signed_by)
        seen = await platform.http.get(f"/staff/v1/partners/{APP}", token=clerk)
        assert (seen.json["status"], seen.json["suspended_because"]) == ("suspended", "an incident")
        assert (await platform.http.send("DELETE", path, token=reviewer)).status == 204
        await other.app.versions.poll()
        assert (await theirs.call("GET", "/partner/v1/app", session=session)).status == 200


async def test_an_app_stops_when_its_time_is_over(platform: Platform, clock: Any) -> None:
    _, reviewer = await admitted(platform)
    limits = {"scopes": ["app", "verification"], "valid_until": "2026-11-22T09:00:00Z"}
    path = f"/staff/v1/partners/{APP}/limits"
    assert (await platform.http.send("PUT", path, limits, token=reviewer)).status == 204
    clock.advance(3599.999)
    assert await is_answered(platform)
    clock.advance(0.001)
    assert not await is_answered(platform)


async def limit(platform: Platform, token: str, *scopes: str, until: str | None = None) -> Any:
    limits = {"scopes": list(scopes), "valid_until": until}
    path = f"/staff/v1/partners/{APP}/limits"
    answer = await platform.http.send("PUT", path, limits, token=token)
    assert answer.status in (202, 204), answer.body
    return answer.json["proposal_id"] if answer.status == 202 else None


async def scopes_of(platform: Platform) -> list[str]:
    reply = await client(platform).call("GET", "/partner/v1/app")
    return [scope["name"] for scope in reply.body["scopes"]]


async def test_more_takes_two_and_less_takes_one(platform: Platform) -> None:
    _, reviewer = await admitted(platform)
    other = await platform.staff("partners.read", "partners.review")
    path = f"/staff/v1/partners/{APP}"
    # `verification` goes at once, the two new ones wait.
    proposal = await limit(platform, reviewer, "app", "messages", "visits")
    assert await scopes_of(platform) == ["app"]
    shown = (await platform.http.get(path, token=other)).json["proposed_limits"]
    assert [scope["name"] for scope in shown["scopes"]] == ["app", "messages", "visits"]
    assert shown["proposal_id"] == proposal
    approval = f"{path}/limits/{proposal}/approval"
    alone = await platform.http.post(approval, token=reviewer)
    assert (alone.status, alone.error) == (403, "limits.same_reviewer")
    assert await scopes_of(platform) == ["app"]
    both = await asyncio.gather(*(platform.http.post(approval, token=other) for _ in range(4)))
    assert sorted(answer.status for answer in both)[0] == 204
    assert {answer.error for answer in both if answer.status != 204} <= {
        *("limits.not_proposed", "limits.changed")
    }
    assert await scopes_of(platform) == ["app", "messages", "visits"]
    assert (await platform.http.get(path, token=other)).json["proposed_limits"] is None
    # An end that comes earlier holds at once; a later one waits, and less takes back what was proposed.
    assert await limit(platform, other, "app", "visits", until="2026-11-23T08:00:00Z") is None
    assert await scopes_of(platform) == ["app", "visits"]
    longer = await limit(platform, other, "app", "visits")
    assert longer is not None
    assert await limit(platform, reviewer, "app", until="2026-11-23T08:00:00Z") is None
    gone = await platform.http.post(f"{path}/limits/{longer}/approval", token=reviewer)
    assert (gone.status, gone.error) == (404, "limits.not_proposed")
    # Whoever asks may take it back, and so may the other.
    refused = await limit(platform, reviewer, "app", "messages", until="2026-11-23T08:00:00Z")
    assert (await platform.http.send("DELETE", f"{path}/limits/{refused}", token=other)).status == 204
    late = await platform.http.post(f"{path}/limits/{refused}/approval", token=other)
    assert (late.status, late.error) == (404, "limits.not_proposed")
    assert await scopes_of(platform) == ["app"]


async def test_an_application_that_is_sent_again_is_one(platform: Platform) -> None:
    once, body = {"Idempotency-Key": "a-1"}, form()
    sent = [await platform.http.post("/partner/v1/admissions", body, headers=once) for _ in range(3)]
    assert [answer.status for answer in sent] == [201] * 3
    assert len({answer.body for answer in sent}) == 1, "the token too, which is told this once"
    other = await platform.http.post("/partner/v1/admissions", form(purpose="another"), headers=once)
    assert (other.status, other.error) == (422, "idempotency.key_reused")
    token, papers = sent[0].json["token"], "/partner/v1/admissions/documents?kind=licence"

    async def paper(token: str) -> Any:
        headers = {"X-Admission-Token": token, "Content-Type": "application/pdf", **once}
        return await platform.http.send("POST", papers, raw=b"%PDF-1.7 a licence", headers=headers)

    kept = [await paper(token) for _ in range(3)]
    assert ([answer.status for answer in kept], len({answer.body for answer in kept})) == ([201] * 3, 1)
    assert (await paper("x" * 43)).status == 404, "what was kept is repeated to who has the token alone"
    state = await platform.http.post("/partner/v1/admissions/states", {"token": token})
    assert len(state.json["documents"]) == 1


async def test_keys_overlap_while_one_replaces_the_other(platform: Platform, clock: Any) -> None:
    await admitted(platform)
    added = await client(platform).call(
        "POST", "/partner/v1/keys", {"key_id": "k2", "public_key_hex": NEXT.public.hex()}
    )
    assert (added.status, added.body["others_retire_at"]) == (201, "2026-11-29T08:00:00Z")
    assert await is_answered(platform) and await is_answered(platform, "k2", NEXT.private)
    clock.advance(7 * 86_400)
    assert not await is_answered(platform)
    assert await is_answered(platform, "k2", NEXT.private)


async def test_a_key_is_retired_at_once_but_not_the_last_one(platform: Platform) -> None:
    await admitted(platform)
    last = await client(platform).call("DELETE", "/partner/v1/keys/k1")
    assert (last.status, last.error[0]) == (409, "key.last")
    new = {"key_id": "k2", "public_key_hex": NEXT.public.hex()}
    assert (await client(platform).call("POST", "/partner/v1/keys", new)).status == 201
    again = await client(platform).call("POST", "/partner/v1/keys", new)
    assert (again.status, again.error[0]) == (409, "key.taken")
    assert (await client(platform, "k2", NEXT.private).call("DELETE", "/partner/v1/keys/k1")).status == 204
    assert not await is_answered(platform)


async def test_a_terminal_session_cannot_make_keys(platform: Platform) -> None:
    await admitted(platform)
    session = await client(platform).open_session(TERMINAL)
    new = {"key_id": "k2", "public_key_hex": NEXT.public.hex()}
    refused = await client(platform).call("POST", "/partner/v1/keys", new, session=session)
    assert (refused.status, refused.error[0]) == (403, "session.needs_sm2")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"signature": "AAAA"}, 422, "admission.not_signed"),
        ({"public_key_hex": NEXT.public.hex()}, 201, ""),
        ({"public_key_hex": "04" + "11" * 64}, 422, "app.bad_key"),
        ({"scopes": ["everything"]}, 400, "request.invalid"),
        ({"app_id": "hospital-a-his"}, 422, "admission.not_signed"),
    ],
)
async def test_an_application_proves_that_it_has_the_key(
    platform: Platform, changes: dict[str, Any], status: int, code: str
) -> None:
    body = form(**changes)
    if status == 201:  # a key that is not the signer's: signed by another one
        status, code = 422, "admission.not_signed"
    answer = await platform.http.post("/partner/v1/admissions", body)
    assert (answer.status, answer.error) == (status, code)


async def test_the_command_signs_what_the_platform_believes(
    platform: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unsigned = {name: value for name, value in form().items() if name not in ("signature", "public_key_hex")}
    (tmp_path / "application.json").write_text(json.dumps(unsigned), "utf-8")
    (tmp_path / "keypair.json").write_text(json.dumps({"private_key_hex": PAIR.private.hex()}))
    arguments = argparse.Namespace(
        action="sign",
        application=str(tmp_path / "application.json"),
        keypair=str(tmp_path / "keypair.json"),
    )
    assert await commands.partners(arguments) == 0
    answer = await platform.http.post("/partner/v1/admissions", json.loads(capsys.readouterr().out))
    assert answer.status == 201, answer.body


async def test_ids_in_use_are_not_given_twice(platform: Platform) -> None:
    await apply(platform)
    twice = await platform.http.post("/partner/v1/admissions", form())
    assert (twice.status, twice.error) == (409, "admission.app_taken")
    theirs = [{"terminal_id": "T-0001", "place": "x", "channel": "0100"}]
    taken = await platform.http.post("/partner/v1/admissions", form(terminals=theirs))
    assert (taken.status, taken.error) == (409, "terminal.taken")


async def test_a_wrong_institution_code_is_refused(platform: Platform) -> None:
    body = form()
    body["institution"] = {**body["institution"], "code": CODE[:-1] + "4"}
    answer = await platform.http.post("/partner/v1/admissions", body)
    assert (answer.status, answer.error) == (422, "institution.invalid_code")


async def test_a_document_must_be_what_it_says(platform: Platform) -> None:
    _, token = await apply(platform)
    refused = await platform.http.send(
        "POST",
        "/partner/v1/admissions/documents?kind=licence",
        raw=b"<html>",
        headers={"X-Admission-Token": token},
    )
    assert (refused.status, refused.error) == (422, "admission.bad_document")
    stranger = await platform.http.send(
        "POST",
        "/partner/v1/admissions/documents?kind=licence",
        raw=b"%PDF-1.7",
        headers={"X-Admission-Token": "x" * 43},
    )
    assert (stranger.status, stranger.error) == (404, "admission.not_found")
