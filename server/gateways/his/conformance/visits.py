"""HIS-040 … HIS-057: registrations, and what follows from them."""

from server.core.clock import today
from server.core.ids import new_id
from server.gateways.his.conformance.trial import Skipped, Trial, require
from server.gateways.his.model import Bill, LockAnswer, Order, Report, Slot, Whose

REPEATS = 5
NOBODY = "CONFORMANCE-NONE"


async def a_confirmed_lock_has_its_numbers(trial: Trial) -> None:
    answer = await trial.confirmed(await trial.slot())
    require(await trial.client.find_lock(answer.lock_id) == answer, "find_lock says otherwise")


async def confirmed_again_it_is_the_same_registration(trial: Trial) -> None:
    answer = await trial.confirmed(await trial.slot())
    require(await trial.client.confirm(answer.lock_id) == answer, "confirmed again, the answer is another")


async def confirmed_at_once_it_is_one_registration(trial: Trial) -> None:
    lock = await trial.locked(await trial.slot())
    came = await trial.together(trial.client.confirm(lock.lock_id) for _ in range(REPEATS))
    numbers = {one.registration_no for one in came if isinstance(one, LockAnswer)}
    require(len(numbers) == 1 and all(isinstance(one, LockAnswer) for one in came), "not one registration")


async def the_lock_sent_again_says_that_it_is_confirmed(trial: Trial) -> None:
    lock = await trial.locked(await trial.slot())
    confirmed = await trial.client.confirm(lock.lock_id)
    require(await trial.client.lock(lock) == confirmed, "the answer is not that of the confirmation")


async def a_lock_nobody_heard_of_cannot_be_confirmed(trial: Trial) -> None:
    await trial.require_refused(trial.client.confirm(new_id(trial.clock.now())), "lock.unknown")


async def a_registration_can_be_given_back(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    answer = await trial.confirmed(slot)
    await trial.client.release(answer.lock_id)
    require(await trial.free(schedule, slot) == slot.free, "the place is not free again")
    await trial.require_refused(trial.client.check_in(_number(answer)), "registration.cancelled")


async def a_patient_has_one_file(trial: Trial) -> None:
    lock = await trial.locked(await trial.slot())
    first = await trial.client.register(lock.patient)
    require(await trial.client.register(lock.patient) == first, "registered again, the number is another")
    confirmed = await trial.client.confirm(lock.lock_id)
    same = confirmed.hospital_patient_no == first.hospital_patient_no
    require(same, "the confirmation names another patient number than the registration did")


async def a_registration_nobody_made_cannot_check_in(trial: Trial) -> None:
    await trial.require_refused(trial.client.check_in(NOBODY), "registration.unknown")


async def on_another_day_nobody_checks_in(trial: Trial) -> None:
    answer = await trial.confirmed(await trial.slot())
    await trial.require_refused(trial.client.check_in(_number(answer)), "registration.not_now")


async def who_checks_in_has_one_ticket(trial: Trial) -> None:
    answer = await trial.confirmed(await _of_today(trial))
    tickets = await trial.together(trial.client.check_in(_number(answer)) for _ in range(2))
    again = await trial.client.check_in(_number(answer))
    names = {(one.queue_id, one.token_no) for one in (*tickets, again) if not isinstance(one, str)}
    require(len(names) == 1, "checked in again, the ticket is another")
    found = await trial.client.queue(again.queue_id, again.token_no)
    require(found.state == "waiting" and found.position == found.ahead + 1, "position is not ahead + 1")
    await trial.require_refused(trial.client.release(answer.lock_id), "lock.used")


async def a_ticket_nobody_has_is_refused(trial: Trial) -> None:
    await trial.require_refused(trial.client.queue(NOBODY, NOBODY), "ticket.unknown")


async def what_is_told_is_of_the_registration(trial: Trial) -> None:
    number = _number(await trial.confirmed(await trial.slot()))
    whose, client = Whose(registration_no=number), trial.client
    found: list[Order | Bill | Report] = [*await client.orders(whose), *await client.bills(whose)]
    found += await client.reports(whose)
    require(all(one.registration_no == number for one in found), "something of another registration")


async def a_bill_is_the_sum_of_its_items(trial: Trial) -> None:
    number = _number(await trial.confirmed(await trial.slot()))
    for bill in await trial.client.bills(Whose(registration_no=number)):
        total_fen = sum(item.amount_fen for item in bill.items)
        require(bill.total_fen == total_fen, "total_fen is not the sum of the items")


async def strangers_have_nothing_to_ask_for(trial: Trial) -> None:
    client = trial.client
    by_number, by_patient = Whose(registration_no=NOBODY), Whose(hospital_patient_no=NOBODY)
    for ask in (client.orders, client.bills, client.reports):
        await trial.require_refused(ask(by_number), "registration.unknown")
        await trial.require_refused(ask(by_patient), "patient.unknown")


async def a_patients_own_are_found_by_their_number(trial: Trial) -> None:
    answer = await trial.confirmed(await trial.slot())
    whose = Whose(hospital_patient_no=answer.hospital_patient_no)
    for ask in (trial.client.orders, trial.client.bills, trial.client.reports):
        await ask(whose)


async def _of_today(trial: Trial) -> Slot:
    """A slot that still comes today."""
    now = trial.clock.now()
    async for schedules in trial.schedules(from_day=0):
        for schedule in schedules:
            for slot in schedule.slots:
                if schedule.on == today(trial.clock) and slot.free > 0 and slot.starts_at > now:
                    return slot
    raise Skipped("no free slot later today: run it again in the morning of a working day")


def _number(answer: LockAnswer) -> str:
    assert answer.registration_no is not None, "the client believes no confirmation without one"
    return answer.registration_no


CASES = (
    ("HIS-040", "a confirmed lock has its numbers, and is found", a_confirmed_lock_has_its_numbers),
    ("HIS-041", "confirmed again, it is the same", confirmed_again_it_is_the_same_registration),
    ("HIS-042", "confirmed five times at once, it is one", confirmed_at_once_it_is_one_registration),
    ("HIS-043", "locked again, it says confirmed", the_lock_sent_again_says_that_it_is_confirmed),
    ("HIS-044", "an unknown lock cannot be confirmed", a_lock_nobody_heard_of_cannot_be_confirmed),
    ("HIS-045", "a registration can be given back", a_registration_can_be_given_back),
    ("HIS-046", "a patient has one file", a_patient_has_one_file),
    ("HIS-050", "an unknown registration cannot check in", a_registration_nobody_made_cannot_check_in),
    ("HIS-051", "on another day nobody checks in", on_another_day_nobody_checks_in),
    ("HIS-052", "who checks in has one ticket, and keeps the slot", who_checks_in_has_one_ticket),
    ("HIS-053", "a ticket nobody has is refused", a_ticket_nobody_has_is_refused),
    (
        "HIS-054",
        "orders, bills and reports are of their visit",
        what_is_told_is_of_the_registration,
    ),
    ("HIS-055", "a bill is the sum of its items", a_bill_is_the_sum_of_its_items),
    ("HIS-056", "nothing is told of strangers", strangers_have_nothing_to_ask_for),
    ("HIS-057", "a patient's own are found by number", a_patients_own_are_found_by_their_number),
)
