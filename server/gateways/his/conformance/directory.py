"""HIS-010 … HIS-015: what there is."""

from datetime import timedelta

from server.core.clock import city_day, today
from server.gateways.his import wire
from server.gateways.his.conformance.trial import Failed, Trial, require

NOWHERE = "CONFORMANCE-NONE"
MAX_LOOKED_AT = 20


async def departments_are_told(trial: Trial) -> None:
    found = await trial.client.departments()
    require(bool(found), "there is no department")
    require(len({one.department_id for one in found}) == len(found), "a department_id comes twice")
    require(all(one.kinds for one in found), "a department in which nothing can be booked")


async def doctors_are_of_their_department(trial: Trial) -> None:
    for department in (await trial.client.departments())[:MAX_LOOKED_AT]:
        found = await trial.client.doctors(department.department_id)
        require(len({one.doctor_id for one in found}) == len(found), "a doctor_id comes twice")


async def an_unknown_department_is_refused(trial: Trial) -> None:
    await trial.require_refused(trial.client.doctors(NOWHERE), "department.unknown")
    first = today(trial.clock)
    await trial.require_refused(trial.client.schedules("clinic", NOWHERE, first, first), "department.unknown")


async def slots_lie_on_their_day_and_have_ids_of_their_own(trial: Trial) -> None:
    found = [one async for schedules in trial.schedules(from_day=0) for one in schedules]
    require(bool(found), "nothing can be booked within fourteen days")
    slots = [slot for schedule in found for slot in schedule.slots]
    require(len({slot.slot_id for slot in slots}) == len(slots), "a slot_id comes twice")
    require(len({one.schedule_id for one in found}) == len(found), "a schedule_id comes twice")
    for schedule in found:
        for slot in schedule.slots:
            require(city_day(slot.starts_at) == schedule.on, "a slot lies on another day than its schedule")


async def a_day_asked_for_alone_is_the_same_day(trial: Trial) -> None:
    schedule, _ = await trial.schedule()
    found = await trial.client.schedules(schedule.kind, schedule.department_id, schedule.on, schedule.on)
    require(schedule.schedule_id in {one.schedule_id for one in found}, "it is missing in its own day")


async def what_cannot_be_read_is_refused_and_not_fallen_over(trial: Trial) -> None:
    last = today(trial.clock)
    department = (await trial.client.departments())[0]
    backwards = (
        f"/schedules?kind={department.kinds[0]}&department_id={department.department_id}"
        f"&from_on={last.isoformat()}&to_on={(last - timedelta(days=1)).isoformat()}"
    )
    for method, target, body in (
        ("GET", backwards, None),
        ("POST", "/locks", {}),
        ("POST", "/locks", b"not JSON"),
        ("POST", "/check-ins", {"registration_no": 7}),
    ):
        answer, nonce = await trial.send("GET" if method == "GET" else "POST", target, body)
        require(400 <= answer.status < 500, f"{method} {target.partition('?')[0]}: answered {answer.status}")
        require(await trial.is_proven(answer, nonce), f"{method} {target.partition('?')[0]}: not signed")
        if wire.refusal_in(answer.body) != "request.refused":
            raise Failed(f"{method} {target.partition('?')[0]}: not request.refused")


CASES = (
    ("HIS-010", "departments are told, each once", departments_are_told),
    ("HIS-011", "doctors are of the department that was asked for", doctors_are_of_their_department),
    ("HIS-012", "an unknown department is refused", an_unknown_department_is_refused),
    ("HIS-013", "slots lie on their day, ids come once", slots_lie_on_their_day_and_have_ids_of_their_own),
    ("HIS-014", "a day asked for alone is the same day", a_day_asked_for_alone_is_the_same_day),
    ("HIS-015", "what cannot be read is refused", what_cannot_be_read_is_refused_and_not_fallen_over),
)
