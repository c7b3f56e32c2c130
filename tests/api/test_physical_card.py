"""The holder of a physical resident health card: the card and its phone prove the name (A3.1 (1), C1)."""

import pytest

from sandbox.registers import age, physical_cards
from sandbox.resident import Resident
from tests.harness import CITY, Platform

pytestmark = [pytest.mark.feature("C1"), pytest.mark.gen_test(timeout=60)]
BY_ID = {resident.id_no: resident for resident in CITY.residents}


def holder_of(state: str) -> tuple[Resident, str]:
    for card in physical_cards(CITY.residents):
        resident = BY_ID[card["id_no"]]
        if card["state"] == state and age(resident) >= 18:
            return resident, card["card_no"]
    raise AssertionError(f"nobody has a card that is {state}")


async def test_a_valid_card_activates_at_once(platform: Platform) -> None:
    resident, card_no = holder_of("valid")
    await platform.fault("real_name", refuse=True)
    claimed = await platform.claim(await platform.sign_in(resident), resident, physical_card_no=card_no)
    assert (claimed.status, claimed.json["status"]) == (201, "active"), claimed.body


@pytest.mark.parametrize("state", ["lost", "cancelled"])
async def test_a_card_that_is_over_says_so(platform: Platform, state: str) -> None:
    resident, card_no = holder_of(state)
    token = await platform.sign_in(resident)
    refused = await platform.claim(token, resident, physical_card_no=card_no)
    assert (refused.status, refused.error) == (422, "physical_card.refused")
    assert refused.json["error"]["detail"] == {"reason": state}
    assert (await platform.claim(token, resident)).status == 201


async def test_another_persons_card_is_unknown(platform: Platform) -> None:
    _, card_no = holder_of("valid")
    other, _ = holder_of("lost")
    refused = await platform.claim(await platform.sign_in(other), other, physical_card_no=card_no)
    assert refused.json["error"]["detail"] == {"reason": "unknown"}
