"""The audit administrator reads what everybody did, in pages, and nothing personal (S3, S4)."""

from typing import Any
from urllib.parse import urlencode

import pytest
from pymongo.database import Database

from tests.api.staff import employ
from tests.harness import Platform
from tests.stores.test_indexes import Recorder, recorder, scanned

__all__ = ["recorder"]
pytestmark = [pytest.mark.feature("S3", "S4"), pytest.mark.gen_test(timeout=60)]


async def read(platform: Platform, token: str, **query: Any) -> dict[str, Any]:
    answer = await platform.http.get(f"/staff/v1/audit?{urlencode(query)}", token=token)
    assert answer.status == 200, answer.body
    page: dict[str, Any] = answer.json
    return page


async def test_pages_and_filters(recorder: Recorder, platform: Platform, db: Database[Any]) -> None:
    reader = await platform.staff("audit.read")
    person = await employ(platform, "li.mei", "claim_reviewer")
    await person.sign_in()
    since = platform.clock.now()
    platform.clock.advance(60)
    resident = platform.residents[0]
    _, card_id = await platform.holder(resident)
    newest = await read(platform, reader, limit=2)
    ids = [entry["entry_id"] for entry in newest["entries"]]
    assert ids == sorted(ids, reverse=True) and len(ids) == 2 and newest["next_cursor"] == ids[-1]
    seen, cursor = [], {}
    while True:
        page = await read(platform, reader, limit=3, actor_id=person.staff_id, **cursor)
        seen += [entry["action"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["staff_sessions.open", "staff.enrol"]
    of_card = await read(platform, reader, object_id=card_id)
    assert of_card["entries"], "the claim is on record"
    logins = await read(platform, reader, action="sessions.open")
    assert [entry["actor_kind"] for entry in logins["entries"]] == ["account"]
    later = await read(platform, reader, since=platform.clock.now().isoformat())
    earlier = await read(platform, reader, until=since.isoformat())
    assert {entry["action"] for entry in later["entries"]} >= {"sessions.open"}
    assert "sessions.open" not in {entry["action"] for entry in earlier["entries"]}
    shown = str([newest, of_card, logins, later, earlier])
    for secret in (resident.name, resident.id_no, resident.phone, "li.mei", "云溪员工"):
        assert secret not in shown
    looked = await read(platform, reader, action="audit.read")
    assert len(looked["entries"]) >= 6, "reading the record is on record"
    assert scanned(db, recorder.commands) == []


async def test_nothing_but_reading(platform: Platform) -> None:
    reader = await platform.staff("audit.read")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await platform.http.send(
            method, "/staff/v1/audit", {} if method != "DELETE" else None, token=reader
        )
        assert (answer.status, answer.error) == (405, "request.method_not_allowed")
    bad = await platform.http.get("/staff/v1/audit?limit=101", token=reader)
    assert bad.status == 400
