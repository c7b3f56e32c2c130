"""The services of visits and queues, put together."""

from server.app.foundation import Foundation
from server.appointments.hospitals.service import Hospitals as HospitalsOfBooking
from server.cards.service import CardService
from server.gateways.his.interface import HospitalRefused
from server.gateways.his.model import QueueTicket
from server.services import AppointmentServices, VisitServices
from server.verification.service import VerificationService
from server.visits.arrival import Geofence
from server.visits.changing import Changing
from server.visits.guidance import GuidancePolicy
from server.visits.model import VisitPolicy
from server.visits.queues.hospital import HospitalQueues
from server.visits.queues.model import QueuePolicy
from server.visits.queues.service import QueueService
from server.visits.queues.store import QueueStore, TokenStore
from server.visits.service import VisitService
from server.visits.store import VisitStore
from server.visits.told import HospitalWord


class KnownSystems:
    """What booking knows of an institution's own system, as visits ask for it."""

    def __init__(self, hospitals: HospitalsOfBooking) -> None:
        self._hospitals = hospitals

    async def geofence(self, institution_id: str) -> Geofence | None:
        hospital = await self._hospitals.find(institution_id)
        fence = None if hospital is None else hospital.geofence
        return None if fence is None else Geofence(fence.latitude, fence.longitude, fence.radius_m)

    async def has_own_queue(self, institution_id: str) -> bool:
        hospital = await self._hospitals.find(institution_id)
        return hospital is not None and hospital.system == "his"

    async def check_in(self, institution_id: str, registration_no: str) -> QueueTicket | None:
        system = await self._hospitals.system_of(institution_id)
        try:
            return await system.check_in(registration_no)
        except HospitalRefused:  # it tells by a queue event when it thinks better of it
            return None

    async def queue(self, institution_id: str, queue_id: str, token_no: str) -> QueueTicket | None:
        system = await self._hospitals.system_of(institution_id)
        try:
            return await system.queue(queue_id, token_no)
        except HospitalRefused:
            return None


def visiting(
    base: Foundation, cards: CardService, verification: VerificationService, booked: AppointmentServices
) -> VisitServices:
    kept, policies, clock = base.mongo.collection, base.policies, base.clock
    policies.declare(VisitPolicy, QueuePolicy, GuidancePolicy)
    store, tokens = VisitStore(kept("visits")), TokenStore(kept("queue_tokens"))
    changing = Changing(store, policies, clock)
    queues = QueueService(QueueStore(kept("queues")), tokens, policies, clock)
    told = HospitalQueues(tokens, policies, clock)
    visits = VisitService(
        store, changing, queues, told, cards, KnownSystems(booked.hospitals), policies, base.seals, clock
    )
    word = HospitalWord(store, changing, visits, queues, told, verification, base.seals, clock)
    return VisitServices(visits, queues, word)
