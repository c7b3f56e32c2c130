"""The services of medication plans, put together."""

from server.app.foundation import Foundation
from server.cards.patients import Patients
from server.cards.service import CardService
from server.medications.service import MedicationService
from server.medications.store import MedicationStore
from server.services import MedicationServices


def medications(base: Foundation, cards: CardService, patients: Patients) -> MedicationServices:
    store = MedicationStore(base.mongo.collection("medication_plans"), base.sealer)
    return MedicationServices(MedicationService(store, cards, patients, base.audit, base.clock))
