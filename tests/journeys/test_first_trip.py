"""A3.1 → A3.3 → A4.3.1.3: claim a card, show its code, be read at a window, see the receipt."""

import pytest

from tests.harness import Platform


@pytest.mark.feature("C1", "C5", "V1", "V4", "V8", "N3")
@pytest.mark.gen_test(timeout=30)
async def test_a_resident_claims_a_card_and_is_read_once(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    code = await platform.code(token, card_id)
    client = platform.partner()
    session = await client.open_session("T-0001")

    first = await platform.scan(client, code, session)
    assert first.status == 200
    assert first.body["person"]["name"] == resident.name
    assert first.body["card"] == {"card_id": card_id, "status": "active"}
    assert resident.id_no not in str(first.body)

    second = await platform.scan(client, code, session)
    assert (second.status, second.error[0]) == (409, "code.already_used")

    await platform.work()
    [receipt] = await platform.messages(token)
    assert receipt["kind"] == "card_used"
    assert receipt["data"]["terminal_id"] == "T-0001"
    assert receipt["data"]["verification_id"] == first.body["verification_id"]
