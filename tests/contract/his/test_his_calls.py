"""The platform's client and the sandbox hospital, each written from docs/his-contract.md alone."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.gateways.his.interface import HospitalRefused
from server.gateways.his.model import KINDS, LockAnswer, Whose
from tests.his import PATIENTS, His

pytestmark = [pytest.mark.feature("M1", "M2"), pytest.mark.gen_test(timeout=60)]


async def refusal(work: Awaitable[Any]) -> str:
    with pytest.raises(HospitalRefused) as refused:
        await work
    return refused.value.code


async def test_every_kind_has_departments_with_free_slots_within_a_week(his: His) -> None:
    departments = await his.client.departments()
    assert {kind for one in departments for kind in one.kinds} == set(KINDS)
    assert len({one.department_id for one in departments}) == len(departments)
    for department in departments:
        kind = department.kinds[0]
        found = await his.client.schedules(
            kind, department.department_id, his.today, his.today + timedelta(days=6)
        )
        slots = [slot for schedule in found for slot in schedule.slots]
        assert slots and all(0 < slot.free <= slot.capacity for slot in slots), department
        assert len({slot.slot_id for slot in slots}) == len(slots)
    doctors = await his.client.doctors("D-IM")
    assert {one.title for one in doctors} == {"主任医师", "主治医师"}


async def test_after_fourteen_days_and_in_the_past_nothing_is_free(his: His) -> None:
    for on in (his.today + timedelta(days=14), his.today - timedelta(days=1)):
        (schedule, *_) = await his.client.schedules("clinic", "D-PE", on, on)
        assert {slot.free for slot in schedule.slots} == {0}
        assert await refusal(his.client.lock(his.asking(schedule.slots[0]))) == "slot.closed"


async def test_a_slot_is_locked_found_confirmed_and_given_back(his: His) -> None:
    slot = await his.slot()
    lock = his.asking(slot)
    held = await his.client.lock(lock)
    assert held == LockAnswer(lock.lock_id, "locked", slot.slot_id, lock.expires_at)
    assert (await his.slot()).free == slot.free - 1
    assert await his.client.find_lock(lock.lock_id) == held
    confirmed = await his.client.confirm(lock.lock_id)
    assert confirmed.state == "confirmed" and confirmed.registration_no
    assert confirmed == await his.client.find_lock(lock.lock_id)
    assert (await his.client.register(lock.patient)).hospital_patient_no == confirmed.hospital_patient_no
    assert (await his.client.release(lock.lock_id)).state == "released"
    assert (await his.slot()).free == slot.free
    assert await refusal(his.client.check_in(confirmed.registration_no)) == "registration.cancelled"


async def test_every_call_may_be_repeated(his: His) -> None:
    slot = await his.slot()
    lock = his.asking(slot)
    await his.fault(repeat=3)
    assert await his.client.lock(lock) == await his.client.lock(lock)
    assert await his.client.confirm(lock.lock_id) == await his.client.confirm(lock.lock_id)
    assert (await his.client.lock(lock)).state == "confirmed"
    assert (await his.slot()).free == slot.free - 1
    assert await his.client.release(lock.lock_id) == await his.client.release(lock.lock_id)


async def test_a_lock_expires_on_the_hospitals_clock(his: His) -> None:
    slot = await his.slot()
    lock = his.asking(slot, minutes=15)
    await his.client.lock(lock)
    await his.move_clock(15 * 60)
    assert (await his.client.find_lock(lock.lock_id)).state == "released"
    assert (await his.slot()).free == slot.free
    assert await refusal(his.client.confirm(lock.lock_id)) == "lock.expired"
    assert await refusal(his.client.lock(lock)) == "lock.expired"
    assert (await his.client.release(lock.lock_id)).state == "released"


async def test_a_lock_that_arrives_after_its_release_is_refused(his: His) -> None:
    """Ours was lost on the way, we let it go, and then it comes."""
    lock = his.asking(await his.slot())
    assert (await his.client.find_lock(lock.lock_id)).state == "unknown"
    assert (await his.client.release(lock.lock_id)).state == "released"
    assert await refusal(his.client.lock(lock)) == "lock.released"
    assert await refusal(his.client.confirm(lock.lock_id)) == "lock.released"


async def test_a_slot_takes_exactly_its_capacity_of_those_who_come_together(his: His) -> None:
    slot = await his.slot()
    asked = [his.asking(slot, number) for number in range(slot.capacity * 3)]
    outcomes = await asyncio.gather(*(his.client.lock(lock) for lock in asked), return_exceptions=True)
    won = [one for one in outcomes if isinstance(one, LockAnswer)]
    lost = [one.code for one in outcomes if isinstance(one, HospitalRefused)]
    assert len(won) == slot.capacity
    assert lost == ["slot.full"] * (len(asked) - slot.capacity)
    assert (await his.slot()).free == 0
    await his.client.release(won[0].lock_id)
    await his.client.lock(his.asking(slot, 40))


async def test_refusals_say_why(his: His) -> None:
    client, schedule = his.client, await his.schedule()
    one, other = schedule.slots[:2]
    lock = his.asking(one)
    await client.lock(lock)
    assert await refusal(client.lock(his.asking(other))) == "slot.person_has_one"
    assert await refusal(client.lock(replace(lock, slot_id=other.slot_id))) == "lock.differs"
    assert await refusal(client.lock(replace(lock, patient=PATIENTS[1]))) == "lock.differs"
    nowhere = replace(his.asking(one, 2), slot_id="D-IM-9-20261124-0800")
    assert await refusal(client.lock(nowhere)) == "slot.unknown"
    assert await refusal(client.lock(his.asking(one, 2, minutes=-1))) == "lock.expired"
    assert await refusal(client.confirm("01M8149T00C69BP3V225FTC32E")) == "lock.unknown"
    assert await refusal(client.doctors("D-XX")) == "department.unknown"
    assert await refusal(client.queue("D-IM-2-20261123", "A001")) == "ticket.unknown"
    assert await refusal(client.orders(Whose(registration_no="R1"))) == "registration.unknown"
    assert await refusal(client.bills(Whose(hospital_patient_no="P1"))) == "patient.unknown"
    man = replace(his.asking(await his.slot("D-GY")), patient=replace(PATIENTS[3], gender="male"))
    assert await refusal(client.lock(man)) == "patient.refused"


async def test_a_cancelled_schedule_lets_everybody_go(his: His) -> None:
    schedule = await his.schedule()
    held, booked = his.asking(schedule.slots[0], 0), his.asking(schedule.slots[1], 1)
    await his.client.lock(held)
    await his.client.lock(booked)
    await his.client.confirm(booked.lock_id)
    answer = await his.control("POST", "/his/cancellations", {"schedule_id": schedule.schedule_id})
    assert len(answer["registrations"]) == 1
    after = await his.schedule()
    assert after.is_cancelled and {slot.free for slot in after.slots} == {0}
    assert (await his.client.find_lock(booked.lock_id)).state == "released"
    assert await refusal(his.client.confirm(held.lock_id)) == "slot.closed"
    assert await refusal(his.client.lock(his.asking(schedule.slots[0], 2))) == "slot.closed"


async def test_a_patient_checks_in_waits_and_is_called(his: His) -> None:
    first, second = (await his.schedule()).slots[:2]
    numbers = [await his.registered(second, 0), await his.registered(first, 1)]
    assert await refusal(his.client.check_in(numbers[0])) == "registration.not_now"
    await his.move_clock(24 * 3600)
    later, earlier = [await his.client.check_in(number) for number in numbers]
    assert (later.position, later.ahead, later.state) == (1, 0, "waiting")
    assert earlier.ahead == 0, "who has the earlier slot goes first, whoever came first"
    assert await his.client.check_in(numbers[0]) == replace(later, position=2, ahead=1)
    await his.control("POST", "/his/calls", {"queue_id": later.queue_id})
    called = await his.client.queue(earlier.queue_id, earlier.token_no)
    assert (called.state, called.position) == ("called", 0)
    assert (await his.client.queue(later.queue_id, later.token_no)).ahead == 0
    names = {"queue_id": earlier.queue_id, "token_no": earlier.token_no}
    await his.control("POST", "/his/misses", names)
    assert (await his.client.queue(**names)).state == "missed"
    await his.control("POST", "/his/returns", names)
    assert (await his.client.queue(**names)).state == "waiting"
    lock_id = his.asking(first).lock_id
    assert (await his.client.find_lock(lock_id)).state == "unknown"


async def test_who_has_checked_in_cannot_give_back(his: His) -> None:
    lock = his.asking(await his.slot(days=0))
    await his.client.lock(lock)
    number = (await his.client.confirm(lock.lock_id)).registration_no
    assert number
    await his.client.check_in(number)
    assert await refusal(his.client.release(lock.lock_id)) == "lock.used"


async def test_a_finished_consultation_leaves_orders_bills_and_reports(his: His) -> None:
    number = await his.registered(await his.slot(days=0))
    ticket = await his.client.check_in(number)
    await his.control("POST", "/his/calls", {"queue_id": ticket.queue_id})
    finished = {
        "queue_id": ticket.queue_id,
        "token_no": ticket.token_no,
        "items": ["ct.plain", "endoscopy.stomach"],
        "prescribes": True,
    }
    await his.control("POST", "/his/consultations", finished)
    whose = Whose(registration_no=number)
    orders = await his.client.orders(whose)
    assert [(one.item, one.department_id, one.state) for one in orders] == [
        ("ct.plain", "D-CT", "open"),
        ("endoscopy.stomach", "D-EN", "open"),
    ]
    bills = await his.client.bills(whose)
    assert all(bill.total_fen == sum(item.amount_fen for item in bill.items) for bill in bills)
    assert [bill.total_fen for bill in bills] == [57_000, 6_860]
    assert await his.client.reports(whose) == []
    await his.control("POST", "/his/reports", {"registration_no": number, "order_id": orders[0].order_id})
    (report,) = await his.client.reports(whose)
    assert (report.order_id, report.kind) == (orders[0].order_id, "imaging")
    file = await his.client.register(PATIENTS[0])
    by_patient = Whose(hospital_patient_no=file.hospital_patient_no)
    assert await his.client.orders(by_patient) == await his.client.orders(whose)
