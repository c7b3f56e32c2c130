"""The services of visits and queues, put together."""

from server.app.foundation import Foundation
from server.cards.service import CardService
from server.gateways.his.model import QueueTicket
from server.services import VisitServices
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


class UnknownSystems:
    """Institutions of whose own systems nothing is known: no grounds, no queue."""

    async def geofence(self, institution_id: str) -> Geofence | None:
        return None

    async def has_own_queue(self, institution_id: str) -> bool:
        return False

    async def check_in(self, institution_id: str, registration_no: str) -> QueueTicket | None:
        return None


def visiting(base: Foundation, cards: CardService, verification: VerificationService) -> VisitServices:
    kept, policies, clock = base.mongo.collection, base.policies, base.clock
    policies.declare(VisitPolicy, QueuePolicy, GuidancePolicy)
    store, tokens = VisitStore(kept("visits")), TokenStore(kept("queue_tokens"))
    changing = Changing(store, policies, clock)
    queues = QueueService(QueueStore(kept("queues")), tokens, policies, clock)
    told = HospitalQueues(tokens, policies, clock)
    visits = VisitService(store, changing, queues, told, cards, UnknownSystems(), policies, base.seals, clock)
    word = HospitalWord(store, changing, visits, queues, told, verification, base.seals, clock)
    return VisitServices(visits, queues, word)
