"""What the fault runs found, held still: a request asked again after its answer was lost, and a bad end."""

import asyncio
from typing import Any

import pytest
from pymongo import MongoClient

from tests.harness import CITY, TERMINAL_ID, Platform

LOST_FOR_S = 31  # the lease of a request that died


class Hospital:
    """Scans under one Idempotency-Key, whose answers can get lost."""

    def __init__(self, platform: Platform, client: MongoClient[dict[str, Any]], database: str) -> None:
        self._platform = platform
        self._partner = platform.partner()
        self.rows = client[database]

    async def scan(self, code: str, key: str) -> Any:
        body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID}
        return await self._partner.call("POST", "/partner/v1/verifications", body, idempotency_key=key)

    def crash_before_the_answer(self) -> None:
        """As if the process had died after the use was stored: the request's row has no answer."""
        self.rows.idempotency.update_many({}, {"$unset": {"answer": "", "status": ""}})
        self._platform.clock.advance(LOST_FOR_S)


@pytest.fixture
def hospital(platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str) -> Hospital:
    return Hospital(platform, mongo_client, database_name)


@pytest.mark.feature("V1")
@pytest.mark.gen_test(timeout=30)
@pytest.mark.parametrize("kind", ["dynamic", "static"])
async def test_a_repeated_scan_is_one_use(platform: Platform, hospital: Hospital, kind: str) -> None:
    token, card_id = await platform.holder(CITY.residents[0])
    code = await platform.code(token, card_id, kind)
    first = await hospital.scan(code, "key-1")
    hospital.crash_before_the_answer()
    again = await hospital.scan(code, "key-1")
    assert (first.status, again.status) == (200, 200)
    assert again.body["verification_id"] == first.body["verification_id"]
    assert hospital.rows.usages.count_documents({}) == 1


@pytest.mark.feature("V1")
@pytest.mark.gen_test(timeout=30)
async def test_a_repeated_scan_is_answered_after_its_code_has_expired(
    platform: Platform, hospital: Hospital
) -> None:
    token, card_id = await platform.holder(CITY.residents[0])
    code = await platform.code(token, card_id)
    first = await hospital.scan(code, "key-1")
    hospital.crash_before_the_answer()
    platform.clock.advance(120)
    again = await hospital.scan(code, "key-1")
    other = await hospital.scan(code, "key-2")
    assert again.body["verification_id"] == first.body["verification_id"]
    assert other.error[0] == "code.already_used"


@pytest.mark.feature("S4")
@pytest.mark.gen_test(timeout=30)
async def test_a_repeated_scan_leaves_an_audit_entry(platform: Platform, hospital: Hospital) -> None:
    token, card_id = await platform.holder(CITY.residents[0])
    code = await platform.code(token, card_id)
    first = await hospital.scan(code, "key-1")
    hospital.crash_before_the_answer()
    await hospital.scan(code, "key-1")
    entries = list(hospital.rows.audit.find({"outcome": "repeated"}))
    assert [entry["object"]["id"] for entry in entries] == [first.body["verification_id"]]


@pytest.mark.gen_test(timeout=30)
async def test_an_answer_given_is_not_replaced_by_a_slower_attempt(platform: Platform) -> None:
    kept = platform.app.services.idempotency
    assert await kept.begin("row", b"body") is None
    platform.clock.advance(LOST_FOR_S)
    assert await kept.begin("row", b"body") is None  # the second attempt takes over
    assert (await kept.keep("row", 200, b"second")).body == b"second"
    assert (await kept.keep("row", 201, b"first, late")).body == b"second"
    assert (await kept.begin("row", b"body")) == await kept.keep("row", 500, b"never")


@pytest.mark.feature("S4")
@pytest.mark.gen_test(timeout=30)
async def test_a_chain_closed_while_a_batch_is_written_closes_after_it(platform: Platform) -> None:
    chain = platform.app.chains[0]
    row = {"_id": "row", "action": "sessions.open", "actor": {}, "object": {}, "outcome": "done"}
    writing = asyncio.ensure_future(chain.append(row))
    await asyncio.sleep(0)  # the append has asked for its batch
    await asyncio.sleep(0)  # and the batch is under way
    await chain.close()
    await writing
    report = await platform.app.verifier.verify()
    assert (report.rows, report.problems) == (2, [])
