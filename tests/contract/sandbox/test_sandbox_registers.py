"""The bank, the mobile operator, the register of physical cards and the civil register of the sandbox."""

import json
from typing import Any

import pytest

from sandbox.app import SOURCES
from sandbox.city import build_city
from sandbox.registers import VISITORS, age

pytestmark = pytest.mark.feature("I1")

CITY = build_city()
CALLER = {"app_id": "ehc", "secret": "shared"}
SERVED = {**dict.fromkeys(SOURCES, CALLER), **CITY.registers()}
BANK_CARDS: list[dict[str, Any]] = SERVED["bank_cards"]
CARDS: list[dict[str, Any]] = SERVED["physical_cards"]
FAMILIES: list[dict[str, Any]] = SERVED["families"]
PATHS = {
    "mobile": "/mobile/v1/checks",
    "bank": "/bank/v1/checks",
    "card_register": "/card-register/v1/checks",
    "civil": "/civil/v1/relations",
}
FIRST = {**CITY.residents[0].named, "phone": CITY.residents[0].phone}
SECOND = {**CITY.residents[1].named, "phone": CITY.residents[1].phone}


@pytest.fixture
def ask(with_sandbox: Any) -> Any:
    """What one service answers to one signed question."""

    def asked(service: str, question: dict[str, Any]) -> dict[str, Any]:
        async def scenario(sandbox: Any) -> Any:
            answer = await sandbox.signed(CALLER, PATHS[service], question)
            assert answer.code == 200, answer.body
            return json.loads(answer.body)

        answered: dict[str, Any] = with_sandbox(scenario, **SERVED)
        assert len(answered.pop("serial_no")) > 20
        return answered

    return asked


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, "match"),
        ({"phone": SECOND["phone"]}, "mismatch"),
        ({"phone": "19900009999"}, "mismatch"),
        ({"name": "李四"}, "mismatch"),
        ({"id_no": SECOND["id_no"]}, "mismatch"),
        ({"id_type": "03"}, "mismatch"),
        ({"id_type": "02"}, "match"),
    ],
    ids=str,
)
def test_a_number_is_one_persons(ask: Any, changes: dict[str, str], result: str) -> None:
    assert ask("mobile", FIRST | changes) == {"result": result}


@pytest.mark.parametrize("kind", ["I", "II", "credit"])
def test_the_bank_tells_the_kind_of_ones_own_account(ask: Any, kind: str) -> None:
    card = next(card for card in BANK_CARDS if card["kind"] == kind)
    question = {name: value for name, value in card.items() if name != "kind"}
    assert ask("bank", question) == {"result": "match", "account_kind": kind}
    for changed in ({"name": "李四"}, {"phone": "19900009999"}, {"card_no": BANK_CARDS[-1]["card_no"]}):
        assert ask("bank", question | changed) == {"result": "mismatch"}


@pytest.mark.parametrize("state", ["valid", "lost", "cancelled"])
def test_the_register_tells_the_state_of_ones_own_card(ask: Any, state: str) -> None:
    card = next(card for card in CARDS if card["state"] == state)
    question = {name: value for name, value in card.items() if name != "state"}
    own = {"state": state, "matches": True, "phone_matches": True}
    assert ask("card_register", question) == own
    assert ask("card_register", question | {"phone": "19900009999"}) == own | {"phone_matches": False}
    nobodys = {"state": "unknown", "matches": False, "phone_matches": False}
    for changed in ({"name": "李四"}, {"card_no": "990000009999"}, {"id_no": SECOND["id_no"]}):
        assert ask("card_register", question | changed) == nobodys


@pytest.mark.parametrize("paper", ["birth_certificate", "household_register"])
@pytest.mark.parametrize("family", [FAMILIES[0], FAMILIES[-1]], ids=["child", "newborn"])
def test_a_paper_ties_a_child_to_its_parents_alone(ask: Any, paper: str, family: dict[str, Any]) -> None:
    number = family["birth_certificate_no" if paper == "birth_certificate" else "household_no"]
    question = {"kind": paper, "number": number, "child": family["child"]}
    for parent in family["parents"]:
        assert ask("civil", question | {"adult": parent}) == {"result": "related"}
    right = question | {"adult": family["parents"][0]}
    other_paper = family["household_no" if paper == "birth_certificate" else "birth_certificate_no"]
    for changed in (
        {"adult": FIRST},
        {"child": FAMILIES[1]["child"]},
        {"number": other_paper},
        {"adult": family["child"], "child": family["parents"][0]},
    ):
        assert ask("civil", right | changed) == {"result": "unrelated"}


@pytest.mark.parametrize("visitor", VISITORS, ids=lambda visitor: str(visitor.id_type))
def test_the_authority_knows_every_type_of_document(with_sandbox: Any, visitor: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        for changed, result in (
            ({}, "match"),
            ({"id_type": "01"}, "mismatch"),
            ({"name": "李四"}, "mismatch"),
        ):
            question = visitor.named | changed
            answer = await sandbox.signed(CALLER, "/real-name/v1/checks", question)
            assert json.loads(answer.body)["result"] == result

    with_sandbox(scenario, **SERVED)


@pytest.mark.parametrize("service", PATHS)
def test_an_unsigned_or_incomplete_question_is_refused(with_sandbox: Any, service: str) -> None:
    async def scenario(sandbox: Any) -> None:
        assert (await sandbox.fetch("POST", PATHS[service], FIRST)).code == 401
        assert (await sandbox.signed(CALLER, PATHS[service], {"name": "张伟"})).code == 422

    with_sandbox(scenario, **SERVED)


@pytest.mark.parametrize("service", PATHS)
def test_each_has_a_fault_door(with_sandbox: Any, service: str) -> None:
    async def scenario(sandbox: Any) -> None:
        await sandbox.json("PUT", f"/control/{service}", {"refuse": 503, "times": 1})
        assert (await sandbox.signed(CALLER, PATHS[service], FIRST)).code == 503
        assert (await sandbox.json("GET", f"/control/{service}"))["requests"] == 1

    with_sandbox(scenario, **SERVED)


def test_registers_learn_through_the_control_room(with_sandbox: Any) -> None:
    async def scenario(sandbox: Any) -> None:
        question = FIRST | {"card_no": CARDS[0]["card_no"]}
        lost = {**CARDS[0], "state": "lost"}
        assert (await sandbox.json("POST", "/control/card_register/cards", lost))["known"] == len(CARDS)
        answer = await sandbox.signed(CALLER, PATHS["card_register"], question)
        assert json.loads(answer.body)["state"] == "lost"
        moved = {**SECOND, "phone": FIRST["phone"]}
        await sandbox.json("POST", "/control/mobile/registrations", moved)
        answer = await sandbox.signed(CALLER, PATHS["mobile"], FIRST)
        assert json.loads(answer.body)["result"] == "mismatch"
        new = {**BANK_CARDS[0], "card_no": "9900009999999999"}
        assert (await sandbox.json("POST", "/control/bank/cards", {"cards": [new]}))["known"] == 1 + len(
            BANK_CARDS
        )
        again = await sandbox.json("POST", "/control/civil/families", FAMILIES[0])
        assert again["known"] == len(FAMILIES) + 1
        assert (await sandbox.fetch("POST", "/control/civil/families", {"child": {}})).code == 422

    with_sandbox(scenario, **SERVED)


def test_the_registers_are_of_this_city_and_keep_its_rules() -> None:
    numbers = {resident.id_no for resident in CITY.residents}
    assert all(card["id_no"] in numbers for card in (*BANK_CARDS, *CARDS))
    assert len({card["card_no"] for card in BANK_CARDS}) == len(BANK_CARDS)
    assert {card["state"] for card in CARDS} == {"valid", "lost", "cancelled"}
    assert {card["kind"] for card in BANK_CARDS} == {"I", "II", "credit"}
    children = [resident for resident in CITY.residents if age(resident) < 18]
    assert len(FAMILIES) == len(children) + 1
    ages = {resident.id_no: age(resident) for resident in CITY.residents}
    for family in FAMILIES[:-1]:
        for parent in family["parents"]:
            assert 22 <= ages[parent["id_no"]] - ages[family["child"]["id_no"]] <= 45
    assert {visitor.id_type for visitor in VISITORS} == {"03", "04", "06", "07", "08", "11"}
    phones = [person["phone"] for person in SERVED["persons"]]
    assert len(set(phones)) == len(phones) == 207
    assert all(phone.startswith("1990000") for phone in phones)
