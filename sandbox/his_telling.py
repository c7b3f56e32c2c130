"""What the sandbox hospital tells the platform of its own accord, through the partner API."""

import secrets
from collections import deque
from typing import Any

from sandbox.config import His
from sandbox.his_desk import HospitalClock, Lock
from sandbox.his_directory import iso
from sandbox.his_floor import CASHIER, PHARMACY, Ticket
from sandbox.partner_client import PartnerApiError, PartnerClient
from sandbox.service import Clock

KEPT = 50
MAX_MOVED = 20
TIMEOUT_S = 5


class Telling:
    """Each thing is told once more when no answer came, under the same key; what came of it is kept, and the
    hospital's work goes on whether the platform hears or not."""

    def __init__(self, config: His, clock: HospitalClock, now: Clock) -> None:
        self._client = PartnerClient(
            api=config.api,
            app_id=config.app_id,
            key_id=config.key_id,
            private_key_hex=config.private_key_hex,
            platform_public_key_hex=config.platform_public_key_hex,
            now=now,
            timeout_s=TIMEOUT_S,
        )
        self._clock = clock
        self.told: deque[dict[str, Any]] = deque(maxlen=KEPT)

    async def queue(self, event: str, ticket: Ticket, ahead: int | None = None) -> None:
        body: dict[str, Any] = {
            "registration_no": ticket.registration_no,
            "event": event,
            "queue_id": ticket.schedule.schedule_id,
            "token_no": ticket.token_no,
            "place": ticket.schedule.place,
        }
        if ahead is not None:
            body |= {"position": ahead + 1, "ahead": ahead}
        await self._tell("/partner/v1/queue-events", body)

    async def moved(self, waiting: list[Ticket]) -> None:
        """The first of those who wait learn how far they are."""
        for ahead, ticket in enumerate(waiting[:MAX_MOVED]):
            await self.queue("moved", ticket, ahead)

    async def visit(
        self, event: str, registration_no: str, what: str = "", place: str = "", about: str | None = None
    ) -> None:
        body: dict[str, Any] = {"registration_no": registration_no, "event": event}
        if what or place:
            body["next"] = {name: text for name, text in (("what", what), ("place", place)) if text}
        if about:
            body["about"] = about
        await self._tell("/partner/v1/visit-events", body)

    async def ordered(self, registration_no: str, orders: list[dict[str, Any]]) -> None:
        """Where each is done is said by its booking."""
        for order in orders:
            await self.visit("ordered", registration_no, about=order["order_id"])

    async def prescribed(self, registration_no: str, prescription: dict[str, Any]) -> None:
        await self.visit("prescribed", registration_no, "缴费后取药", CASHIER)
        body = {"registration_no": registration_no, **prescription}
        await self._tell("/partner/v1/prescriptions", body)

    async def medicine_ready(self, registration_no: str) -> None:
        fields = {"place": PHARMACY, "registration_no": registration_no}
        await self.message("medicine_ready", registration_no, fields)

    async def cancelled(self, locks: list[Lock]) -> None:
        for lock in locks:
            assert lock.schedule is not None and lock.slot is not None and lock.registration_no is not None
            fields = {
                "department": lock.schedule.department.name,
                "starts_at": iso(lock.slot.starts_at),
                **({"doctor": lock.schedule.doctor.name} if lock.schedule.doctor else {}),
            }
            await self.message("clinic_stopped", lock.registration_no, fields)

    async def message(self, kind: str, registration_no: str, fields: dict[str, Any]) -> None:
        body = {"kind": kind, "registration_no": registration_no, "fields": fields}
        await self._tell("/partner/v1/messages", body)

    async def _tell(self, path: str, body: dict[str, Any]) -> None:
        key = secrets.token_hex(16)
        shown = {"path": path, "event": body.get("event") or body.get("kind") or "", "outcome": "no answer"}
        for _ in range(2):
            try:
                reply = await self._client.call("POST", path, body, idempotency_key=key)
            except PartnerApiError as error:
                shown["outcome"] = str(error)
                continue
            shown["outcome"] = str(reply.status) if reply.error is None else reply.error[0]
            break
        self.told.append({**shown, "registration_no": body["registration_no"]})
