"""Short ways through visits and queues, for several tests."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sandbox.partner_client import PartnerClient
from server.appointments.booking.model import Appointment, Place, State
from server.appointments.booking.store import NewBooking
from server.core.ids import new_id
from server.core.outbox import Event
from server.gateways.his.interface import HospitalUnavailable
from server.gateways.his.model import QueueTicket
from server.visits.arrival import Geofence
from tests.harness import APP_ID, Answer, Platform

INSTITUTION = f"institution-of-{APP_ID}"
QUEUE = "D-01"
FENCE = Geofence(30.2741, 120.1551, 300)
INSIDE = {"latitude": 30.2745, "longitude": 120.1553, "accuracy_m": 30}


def appointment(platform: Platform, card_id: str, minutes: int = 30, **changes: Any) -> Appointment:
    """A confirmed appointment of half an hour, `minutes` from now."""
    now = platform.clock.now()
    appointment_id = new_id(now)
    place = Place(
        kind="clinic",
        institution_id=INSTITUTION,
        institution="云溪市第一人民医院",
        department_id=QUEUE,
        department="心内科",
        schedule_id="S",
        slot_id=appointment_id,
        place="门诊楼 3 层 A 区",
        starts_at=now + timedelta(minutes=minutes),
        ends_at=now + timedelta(minutes=minutes + 30),
        fee_fen=0,
    )
    return Appointment(
        appointment_id=appointment_id,
        state=State.CONFIRMED,
        at=replace(place, **changes),
        card_id=card_id,
        person_id=new_id(now),
        account_id=new_id(now),
        booked_at=now,
        hold_expires_at=None,
        capacity=1,
        seat=1,
        is_ours=True,
        registration_no=f"R-{appointment_id[-8:]}",
    )


async def confirmed(
    platform: Platform, card_id: str, minutes: int = 30, registration_no: str | None = None, **changes: Any
) -> dict[str, Any]:
    """A visit that was begun by an appointment: the event's data, with `visit_id` and `registration_no`."""
    one, now = appointment(platform, card_id, minutes, **changes), platform.clock.now()
    one = replace(one, registration_no=registration_no or one.registration_no)
    services = platform.app.services
    new = NewBooking(one, [one.appointment_id], None, None)
    assert await services.appointments._store.insert_each([new], now) == [None]
    data = one.data()
    await services.visits.begin(Event(new_id(now), "appointment.confirmed", now, data), one.registration_no)
    row = await platform.app.mongo.collection("visits").find_one({"appointment_id": one.appointment_id})
    assert row is not None
    return {**data, "visit_id": row["_id"], "registration_no": one.registration_no}


async def settle(platform: Platform) -> None:
    """Everything is told, and what that leads to."""
    for _ in range(4):
        await platform.work()
    assert await platform.app.relay.backlog() == (0, 0)


@dataclass
class Desk:
    """A hospital's desk, with the scope for visits."""

    platform: Platform
    client: PartnerClient

    @classmethod
    async def of(cls, platform: Platform) -> "Desk":
        await platform.admit(scopes=("verification", "visits", "examinations"))
        return cls(platform, platform.partner())

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The reply's body, of a call that is not refused."""
        reply = await self.client.call(method, f"/partner/v1{path}", body, **more)
        assert reply.error is None, reply.error
        return reply.body

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> str:
        """The code of the refusal."""
        reply = await self.client.call(method, f"/partner/v1{path}", body, **more)
        assert reply.error is not None, reply.body
        return reply.error[0]

    async def open_queue(self, queue_id: str = QUEUE, **more: Any) -> Any:
        entry = {"name": "心内科候诊", "place": "3 层 A 区", "department_id": queue_id, **more}
        return await self.send("PUT", f"/queues/{queue_id}", entry)

    async def call(self, queue_id: str = QUEUE, place: str = "3 诊室", **more: Any) -> Any:
        return (await self.send("POST", f"/queues/{queue_id}/calls", {"place": place}, **more))["token"]

    async def move(self, token_id: str, action: str, queue_id: str = QUEUE, **more: Any) -> Any:
        path = f"/queues/{queue_id}/tokens/{token_id}/transitions"
        return await self.send("POST", path, {"action": action}, **more)

    async def tell(self, registration_no: str, event: str, **more: Any) -> Any:
        body = {"registration_no": registration_no, "event": event, **more}
        return await self.send("POST", "/visit-events", body)

    def desk_text(self, department_id: str | None = None) -> str:
        """What a phone reads at the desk."""
        from server.visits.desk_code import Desk as Where
        from server.visits.desk_code import desk_text

        return desk_text(Where(INSTITUTION, department_id), self.platform.app.seals)


class KnownSystems:
    """An institution with grounds; with `queue`, with a queue of its own."""

    def __init__(self, queue: bool = False) -> None:
        self.has_queue = queue
        self.asked, self.is_silent = 0, False
        self.ticket = QueueTicket("own-1", "B012", "waiting", 5, 4, "2 层 B 区")

    async def geofence(self, institution_id: str) -> Geofence | None:
        return FENCE

    async def has_own_queue(self, institution_id: str) -> bool:
        return self.has_queue

    async def check_in(self, institution_id: str, registration_no: str) -> QueueTicket | None:
        return QueueTicket("own-1", "B012", "waiting", 5, 4, "2 层 B 区")

    async def queue(self, institution_id: str, queue_id: str, token_no: str) -> QueueTicket | None:
        self.asked += 1
        if self.is_silent:
            raise HospitalUnavailable
        return self.ticket


def knows(platform: Platform, **more: Any) -> KnownSystems:
    known, visits = KnownSystems(**more), platform.app.services.visits
    visits._hospitals = visits._asking._hospitals = known
    return known


async def check_in(platform: Platform, token: str, visit: Any, **how: Any) -> Answer:
    return await platform.http.post(f"/api/v1/visits/{visit['visit_id']}/check-in", how, token=token)


async def seen(platform: Platform, token: str, visit: Any, query: str = "") -> Any:
    answer = await platform.http.get(f"/api/v1/visits/{visit['visit_id']}{query}", token=token)
    assert answer.status == 200, answer.body
    return answer.json
