"""An app that asks of ever others who are not there is stopped; a hospital's batch, sent twice, is not."""

import asyncio
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest

from server.identity.guesses import GuessPolicy
from tests.api.test_cross_reference import A, B, asking, entry, one_person, post, two_hospitals
from tests.harness import Answer, Platform
from tests.stores.persons import identity_card

pytestmark = [pytest.mark.feature("I4", "S7"), pytest.mark.gen_test(timeout=60)]

PIX, PIXM, PERSONS = "/partner/v1/pix", "/fhir/Patient/$ihe-pix", "/partner/v1/persons"
DAY_S = 86_400


async def pix(platform: Platform, domain: str, value: str, app_id: str = "hospital-a-his") -> Answer:
    query = f"source={quote(f'{domain}|{value}')}"
    return await asking(platform, PIX, query, app_id).send(platform.http)


async def pixm(platform: Platform, domain: str, value: str) -> Answer:
    query = f"sourceIdentifier={quote(f'urn:ehc:institution:{domain}|{value}')}&targetSystem=urn:ehc:persons"
    return await asking(platform, PIXM, query).send(platform.http)


async def test_whoever_guesses_numbers_is_stopped_until_midnight(platform: Platform) -> None:
    await one_person(platform)
    await platform.decide(GuessPolicy, numbers=3)
    for _ in range(3):  # the same batch, three times: two numbers that nobody has
        for value in ("0001", "0002"):
            assert (await pix(platform, B, value)).error == "identifier.not_found"
    for number in range(10):  # what one calls one's own patients tells nothing of others
        assert (await pix(platform, A, f"A-{number}")).error == "identifier.not_found"
    assert (await pix(platform, B, "0042")).status == 200
    assert (await pixm(platform, B, "0003")).error == "sourceIdentifier Patient Identifier not found"
    stopped = await pix(platform, B, "0004")
    assert (stopped.status, stopped.error) == (429, "partner_numbers.too_many")
    assert stopped.headers["Retry-After"] == str(8 * 3600 + 1), "midnight in the city"
    assert (await pix(platform, B, "0042")).status == 429, "a hit would be the answer it looks for"
    throttled = await pixm(platform, B, "0042")
    assert (throttled.status, throttled.json["issue"][0]["code"]) == (429, "throttled")
    assert throttled.headers["Retry-After"] == stopped.headers["Retry-After"]
    assert (await pix(platform, A, "A-17")).status == 200
    assert (await pix(platform, A, "A-17", "hospital-b-his")).status == 200, "another app goes on"
    platform.clock.advance(8 * 3600)
    assert (await pix(platform, B, "0042")).status == 200


async def test_guesses_made_at_once_are_not_more(platform: Platform) -> None:
    await one_person(platform)
    await platform.decide(GuessPolicy, numbers=5)
    answers = await asyncio.gather(*(pix(platform, B, f"{number:04}") for number in range(100, 140)))
    assert sorted(answer.status for answer in answers) == [404] * 5 + [429] * 35


NEW = ("赵一鸣", "钱思远", "孙立诚", "李若水", "周明川", "吴静秋", "郑海波", "冯雨桐", "陈晓岚", "褚文山")


def new(number: int, **more: Any) -> dict[str, Any]:
    """An entry of somebody who is like nobody else."""
    document = identity_card(10 + number, date(1950 + 3 * number, 1 + number, 7))
    return entry(name=NEW[number], id_no=document.number, **more)


async def test_a_hospitals_batch_of_new_patients_is_no_guess(platform: Platform) -> None:
    await two_hospitals(platform)
    await platform.decide(GuessPolicy, persons=2)
    for expected in ("new", "same"):
        for number in range(6):
            told = await post(platform, PERSONS, new(number, hospital_patient_no=f"N-{number}"))
            assert told.json["outcome"] == expected, told.body
    strangers = [await post(platform, PERSONS, new(number)) for number in range(6, 9)]
    assert [answer.status for answer in strangers] == [200, 200, 429]
    assert strangers[2].error == "partner_persons.too_many" and int(strangers[2].headers["Retry-After"]) > 0
    assert await platform.app.mongo.collection("persons").count({}) == 8, "who is refused is not registered"
    assert (await post(platform, PERSONS, new(9), "hospital-b-his")).status == 200, "another app goes on"


async def test_a_documents_name_is_not_found_out_by_trying(platform: Platform) -> None:
    await one_person(platform)
    await platform.decide(GuessPolicy, names=3)
    for name in ("王一", "王一", "王二", "王三"):
        assert (await post(platform, PERSONS, entry(name=name))).json["outcome"] == "review"
    for name in ("王四", "欧阳明月"):
        refused = await post(platform, PERSONS, entry(name=name))
        assert (refused.status, refused.error) == (429, "partner_names.too_many")
    assert (await post(platform, PERSONS, new(0))).status == 200, "other documents go on"
    platform.clock.advance(DAY_S)
    assert (await post(platform, PERSONS, entry())).json["outcome"] == "same"
