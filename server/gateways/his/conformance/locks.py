"""HIS-020 … HIS-033: places that are locked, once, for so long, and never more than there are."""

import asyncio
from dataclasses import replace

from server.core.ids import new_id
from server.gateways.his.conformance.trial import MAX_CAPACITY, Skipped, Trial, require
from server.gateways.his.model import LockAnswer

LOCK_S = 3
REPEATS = 5


async def a_lock_takes_one_place(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    lock = await trial.locked(slot)
    require(await trial.free(schedule, slot) == slot.free - 1, "the lock took not one place")
    found = await trial.client.find_lock(lock.lock_id)
    require(found.state == "locked" and found.slot_id == slot.slot_id, "find_lock does not know the lock")


async def the_same_lock_again_is_the_same_lock(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule(free=2)
    lock = await trial.locked(slot)
    first = await trial.client.find_lock(lock.lock_id)
    require(await trial.client.lock(lock) == first, "asked again, the lock is another")
    require(await trial.free(schedule, slot) == slot.free - 1, "asked again, it took another place")


async def the_same_lock_at_once_is_one_place(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule(free=2)
    lock = trial.asking(slot)
    came = await trial.together(trial.client.lock(lock) for _ in range(REPEATS))
    require(all(isinstance(one, LockAnswer) for one in came), "one of the same calls was refused")
    require(await trial.free(schedule, slot) == slot.free - 1, "sent together, it took more than one place")


async def a_lock_nobody_heard_of_is_unknown(trial: Trial) -> None:
    found = await trial.client.find_lock(new_id(trial.clock.now()))
    require(found.state == "unknown", f"it is {found.state}")


async def another_lock_under_the_same_id_is_refused(trial: Trial) -> None:
    _, (one, other, *_) = await trial.schedule(slots=2, free=2)
    lock = await trial.locked(one)
    elsewhere = replace(lock, slot_id=other.slot_id)
    await trial.require_refused(trial.client.lock(elsewhere), "lock.differs")
    somebody_else = replace(lock, patient=trial.patient())
    await trial.require_refused(trial.client.lock(somebody_else), "lock.differs")


async def one_person_has_one_place_in_a_schedule(trial: Trial) -> None:
    _, (one, other, *_) = await trial.schedule(slots=2, free=2)
    lock = await trial.locked(one)
    again = trial.asking(other, lock.patient)
    await trial.require_refused(trial.client.lock(again), "slot.person_has_one")


async def a_release_gives_the_place_back(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    lock = await trial.locked(slot)
    first = await trial.client.release(lock.lock_id)
    require(await trial.client.release(lock.lock_id) == first, "released again, the answer is another")
    require(await trial.free(schedule, slot) == slot.free, "the place is not free again")
    require((await trial.client.find_lock(lock.lock_id)).state == "released", "find_lock says otherwise")


async def what_was_released_stays_released(trial: Trial) -> None:
    lock = await trial.locked(await trial.slot())
    await trial.client.release(lock.lock_id)
    await trial.require_refused(trial.client.lock(lock), "lock.released")
    await trial.require_refused(trial.client.confirm(lock.lock_id), "lock.released")


async def a_lock_after_its_release_is_refused(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    lock = trial.asking(slot)
    await trial.client.release(lock.lock_id)
    await trial.require_refused(trial.client.lock(lock), "lock.released")
    require(await trial.free(schedule, slot) == slot.free, "it took a place all the same")


async def an_unknown_slot_is_refused(trial: Trial) -> None:
    lock = replace(trial.asking(await trial.slot()), slot_id="CONFORMANCE-NONE")
    await trial.require_refused(trial.client.lock(lock), "slot.unknown")


async def a_lock_that_is_over_when_it_comes_is_refused(trial: Trial) -> None:
    lock = trial.asking(await trial.slot(), seconds=-60)
    await trial.require_refused(trial.client.lock(lock), "lock.expired")


async def a_lock_expires_by_itself(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    lock = trial.asking(slot, seconds=LOCK_S)
    await trial.client.lock(lock)
    await trial.wait(LOCK_S + 1)
    require(await trial.free(schedule, slot) == slot.free, "the place is not free again")
    require((await trial.client.find_lock(lock.lock_id)).state == "released", "find_lock says otherwise")
    await trial.require_refused(trial.client.confirm(lock.lock_id), "lock.expired")
    await trial.client.release(lock.lock_id)


async def no_more_than_its_capacity(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    if slot.free > MAX_CAPACITY:
        raise Skipped(f"no slot with at most {MAX_CAPACITY} free places")
    asked = [trial.asking(slot) for _ in range(slot.free * 2 + 2)]
    came = await trial.together(trial.client.lock(lock) for lock in asked)
    won = [one for one in came if isinstance(one, LockAnswer)]
    refused = {one for one in came if not isinstance(one, LockAnswer)}
    require(len(won) == slot.free, f"{len(won)} got one of {slot.free} places")
    require(refused == {"slot.full"}, f"the others were refused with {', '.join(sorted(refused))}")
    require(await trial.free(schedule, slot) == 0, "a full slot still shows free places")


async def a_place_given_back_can_be_had_again(trial: Trial) -> None:
    schedule, (slot, *_) = await trial.schedule()
    if slot.free > MAX_CAPACITY:
        raise Skipped(f"no slot with at most {MAX_CAPACITY} free places")
    locks = [await trial.locked(slot) for _ in range(slot.free)]
    await trial.require_refused(trial.client.lock(trial.asking(slot)), "slot.full")
    await asyncio.gather(trial.client.release(locks[0].lock_id), trial.client.release(locks[0].lock_id))
    await trial.locked(slot)
    await trial.require_refused(trial.client.lock(trial.asking(slot)), "slot.full")
    require(await trial.free(schedule, slot) == 0, "a full slot still shows free places")


CASES = (
    ("HIS-020", "a lock takes one place, and is found", a_lock_takes_one_place),
    ("HIS-021", "the same lock again is the same lock", the_same_lock_again_is_the_same_lock),
    ("HIS-022", "the same lock five times at once is one place", the_same_lock_at_once_is_one_place),
    ("HIS-023", "a lock nobody heard of is unknown", a_lock_nobody_heard_of_is_unknown),
    ("HIS-024", "another lock under the same id is refused", another_lock_under_the_same_id_is_refused),
    ("HIS-025", "one person has one place in a schedule", one_person_has_one_place_in_a_schedule),
    ("HIS-026", "a release gives the place back, once", a_release_gives_the_place_back),
    ("HIS-027", "what was released stays released", what_was_released_stays_released),
    (
        "HIS-028",
        "a lock that comes after its release is refused",
        a_lock_after_its_release_is_refused,
    ),
    ("HIS-029", "an unknown slot is refused", an_unknown_slot_is_refused),
    ("HIS-030", "a lock that is over when it comes is refused", a_lock_that_is_over_when_it_comes_is_refused),
    ("HIS-031", "a lock expires by itself", a_lock_expires_by_itself),
    ("HIS-032", "no more people than places, when they come together", no_more_than_its_capacity),
    ("HIS-033", "a place given back can be had again, once", a_place_given_back_can_be_had_again),
)
