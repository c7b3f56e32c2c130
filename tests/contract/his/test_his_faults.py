"""A hospital that hangs, lies, talks nonsense or is somebody else: the outcome is unknown, never guessed."""

import asyncio
import json
from typing import Any

import pytest
from tornado.web import Application, RequestHandler

from server.core.errors import Unavailable
from server.gateways.his import http as his_http
from server.gateways.his.http import PLACES, HttpHospital
from server.gateways.his.interface import HospitalUnavailable
from server.gateways.his.model import Whose
from tests.harness import listening
from tests.his import HOSPITAL, PATIENTS, PLATFORM, PROVIDER, His

pytestmark = [pytest.mark.feature("M1", "M2"), pytest.mark.gen_test(timeout=60)]

FAULTS: dict[str, dict[str, Any]] = {
    "the connection is reset": {"refuse": True},
    "a proxy answers for it": {"refuse": 502},
    "it is overloaded": {"refuse": 503},
    "a page instead of an answer": {"garbage": True},
    "an endless answer": {"huge": True},
    "it sends us elsewhere": {"redirect": True},
    "it says 200 and means an error": {"answer": {"error": {"code": "slot.full", "message": "no"}}},
    "it says 200 and nothing of use": {"answer": {}},
    "somebody else signs": {"wrong_key": True},
}


async def is_unknown(work: Any) -> bool:
    try:
        await work
    except HospitalUnavailable as error:
        return error.code == "hospital.unavailable"
    return False


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_an_answer_that_proves_nothing_leaves_the_outcome_open(his: His, fault: dict[str, Any]) -> None:
    lock = his.asking(await his.slot())
    await his.fault(**fault)
    client = his.client
    assert await is_unknown(client.lock(lock))
    assert await is_unknown(client.departments())
    assert await is_unknown(client.find_lock(lock.lock_id))
    assert await is_unknown(client.register(PATIENTS[0]))
    await his.clear()
    found = await client.find_lock(lock.lock_id)
    assert found.state in ("unknown", "locked")
    assert (await client.lock(lock)).state == "locked", "asked again, it is one lock"
    assert (await his.slot()).free == 3


async def test_a_lost_answer_is_found_again(his: His) -> None:
    lock = his.asking(await his.slot())
    await his.fault(lose_answer=True, times=1)
    assert await is_unknown(his.client.lock(lock))
    assert (await his.client.find_lock(lock.lock_id)).state == "locked"
    await his.fault(lose_answer=True, times=1)
    assert await is_unknown(his.client.confirm(lock.lock_id))
    assert (await his.client.find_lock(lock.lock_id)).state == "confirmed"


async def test_a_late_answer_is_none(his: His, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(his_http, "TIMEOUT_S", 0.2)
    await his.fault(delay_s=2, times=1)
    assert await is_unknown(his.client.departments())


async def test_a_hospital_that_hangs_costs_another_nothing(his: His, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its places are full, the next caller is told at once, and the other hospital answers all the while."""
    monkeypatch.setattr(his_http, "TIMEOUT_S", 30)
    async with listening(Application([(".*", Hanging)])) as nowhere:
        hanging = his.elsewhere("H009", nowhere)
        waiting = [asyncio.create_task(hanging.departments()) for _ in range(PLACES)]
        while len(Hanging.waiting) < PLACES:
            await his.client.departments()
        assert await is_unknown(hanging.departments())
        assert len(await his.client.doctors("D-IM")) == 2
        assert not any(task.done() for task in waiting)
        for answer in Hanging.waiting:
            answer.set_result(None)
        assert await asyncio.gather(*(is_unknown(task) for task in waiting)) == [True] * PLACES
        asked = len(Hanging.waiting)
        assert await is_unknown(hanging.departments())
        assert len(Hanging.waiting) == asked, "its circuit is open: nobody asks it"
        assert await his.client.departments()


class Hanging(RequestHandler):
    waiting: list["asyncio.Future[None]"] = []

    async def get(self) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        await answer


# What a signed answer may not be: the contract is read strictly.
ODD_ANSWERS: dict[str, Any] = {
    "a state nobody knows": {"state": "maybe"},
    "a number as text": {"lock_id": 7},
    "another lock": {"lock_id": "01M8149T00C69BP3V225FTC32E"},
    "another slot": {"slot_id": "D-IM-2-20990101-0800"},
    "longer than asked": {"expires_at": "2099-01-01T00:00:00Z"},
    "a moment without a zone": {"expires_at": "2026-11-23T00:10:00"},
    "no end": {"expires_at": None},
    "confirmed without a number": {"state": "confirmed"},
}


@pytest.mark.parametrize("odd", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_a_signed_answer_that_is_not_of_the_contract_is_none(his: His, odd: dict[str, Any]) -> None:
    lock = his.asking(await his.slot())
    good = {"lock_id": lock.lock_id, "state": "locked", "slot_id": lock.slot_id}
    good |= {"expires_at": lock.expires_at.isoformat(), "registration_no": None, "hospital_patient_no": None}
    await his.fault(answer=good | {"a field we do not know": 1})
    assert (await his.client.lock(lock)).state == "locked"
    await his.fault(answer=good | odd)
    assert await is_unknown(his.client.lock(lock))


async def test_numbers_beyond_reason_are_refused(his: His) -> None:
    schedule = (await his.schedule()).__dict__ | {"slots": []}
    plain = json.loads(json.dumps(schedule, default=str))
    slot = {"slot_id": "S1", "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-24T00:30:00Z"}
    slot |= {"capacity": 4, "free": 4, "fee_fen": 0}

    async def read(**changed: Any) -> bool:
        await his.fault(answer={"schedules": [plain | {"slots": [slot | changed]}]})
        return not await is_unknown(his.schedule_of("D-IM", schedule["on"]))

    assert await read()
    assert not await read(free=5)
    assert not await read(fee_fen=-1)
    assert not await read(fee_fen=2.5)
    assert not await read(ends_at=slot["starts_at"])
    assert not await read(slot_id="../locks")


async def test_a_call_that_was_not_signed_by_the_platform_is_not_answered(his: His) -> None:
    """The hospital's own check, seen from a caller with another key."""
    stranger = PROVIDER.private_key(PROVIDER.generate_key_pair().private)
    calls = his.hospitals._calls
    own_key, calls._own_key = calls._own_key, lambda: ("k1", stranger)
    assert await is_unknown(his.client.departments())
    calls._own_key = own_key
    assert await his.client.departments()


async def test_either_of_two_keys_is_believed_while_one_replaces_the_other(his: His) -> None:
    address = his.address.__class__("H001", his.url, (PLATFORM.public, HOSPITAL.public))
    assert await his.hospitals.at(address).departments()
    stranger = his.address.__class__("H001", his.url, (PLATFORM.public,))
    assert await is_unknown(his.hospitals.at(stranger).departments())


async def test_no_url_names_a_patient(his: His, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    exchange = his.hospitals._calls._http.exchange

    async def seen(peer: str, method: str, url: str, *rest: Any) -> Any:
        asked.append(url)
        return await exchange(peer, method, url, *rest)

    monkeypatch.setattr(his.hospitals._calls._http, "exchange", seen)
    number, file = await every_call(his)
    patient = PATIENTS[0]
    assert len(asked) > 12
    for secret in (patient.name, patient.id_no, patient.phone or "", number, file):
        assert secret and not [url for url in asked if secret in url]
    assert {url.partition("?")[2].partition("=")[0] for url in asked} == {"", "department_id", "kind"}


async def every_call(his: His) -> tuple[str, str]:
    """Each call of the interface once; the registration number and the patient's."""
    client: HttpHospital = his.client
    lock = his.asking(await his.slot(days=0))
    await client.doctors("D-IM")
    file = (await client.register(lock.patient)).hospital_patient_no
    await client.lock(lock)
    number = (await client.confirm(lock.lock_id)).registration_no
    assert number is not None
    ticket = await client.check_in(number)
    await client.queue(ticket.queue_id, ticket.token_no)
    for whose in (Whose(registration_no=number), Whose(hospital_patient_no=file)):
        await client.orders(whose)
        await client.bills(whose)
        await client.reports(whose)
    other = his.asking(await his.slot("D-US"))
    await client.lock(other)
    await client.find_lock(other.lock_id)
    await client.release(other.lock_id)
    return number, file


def test_an_unavailable_hospital_is_an_unavailable_of_ours() -> None:
    assert issubclass(HospitalUnavailable, Unavailable) and HospitalUnavailable(9).retry_after_s == 9
