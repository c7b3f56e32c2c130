"""The services of booking, put together."""

from datetime import timedelta

from server.app.foundation import Foundation
from server.app.his import his_client
from server.appointments.booking.asked import Slots
from server.appointments.booking.carrying import Carrier
from server.appointments.booking.following import Following
from server.appointments.booking.policy import BookingPolicy
from server.appointments.booking.service import AppointmentService
from server.appointments.booking.standing import Standing
from server.appointments.booking.store import AppointmentStore
from server.appointments.booking.taking import Taking
from server.appointments.booking.upkeep import Upkeep
from server.appointments.examinations.compatibility import Compatibility
from server.appointments.fairness.policy import FairBookingPolicy
from server.appointments.fairness.service import Fairness
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.model import Hospital
from server.appointments.hospitals.service import Hospitals
from server.appointments.hospitals.store import HospitalStore
from server.appointments.slots.service import SlotPools
from server.appointments.slots.store import PoolStore
from server.appointments.slots.system import PoolSystem
from server.cards.service import CardService
from server.gateways.his.interface import HospitalSystem, HospitalUnavailable
from server.gateways.his.model import HisAddress
from server.partners.register import PartnerRegister
from server.services import AppointmentServices

DIRECTORY_FRESH = timedelta(seconds=3)


def booking(base: Foundation, cards: CardService, register: PartnerRegister) -> AppointmentServices:
    base.policies.declare(BookingPolicy, FairBookingPolicy)
    kept, clock = base.mongo.collection, base.clock
    pools, store = PoolStore(kept("slot_pools")), AppointmentStore(kept("appointments"))

    his = his_client(base)

    async def connect(hospital: Hospital) -> HospitalSystem:
        """Its own system answers with the keys its app has now; a suspended app's word counts for nothing."""
        if hospital.system == "pools":
            return PoolSystem(hospital.institution_id, pools, store, clock)
        app = None if hospital.app_id is None else await register.find(hospital.app_id)
        if app is None or hospital.base_url is None or not app.may_call(clock.now()):
            raise HospitalUnavailable
        keys = [app.key_at(key_id, clock.now()) for key_id in app.public_keys]
        trusted = tuple(key for key in keys if key is not None)
        return his.at(HisAddress(hospital.institution_id, hospital.base_url, trusted))

    hospitals = Hospitals(HospitalStore(kept("hospital_systems")), connect, base.audit, base.versions)
    directory = Directory(hospitals, clock, fresh_for=DIRECTORY_FRESH)
    fairness = Fairness(store.find_no_shows, base.budgets, base.policies, base.sealer, clock)
    carrier = Carrier(store, pools, hospitals, cards, clock)
    appointments = AppointmentService(
        store,
        Taking(store, clock),
        carrier,
        Slots(directory, pools, clock),
        hospitals,
        directory,
        fairness,
        Compatibility(store, base.policies, clock),
        cards,
        base.policies,
        clock,
    )
    return AppointmentServices(
        hospitals=hospitals,
        directory=directory,
        slot_pools=SlotPools(pools, base.audit, clock),
        appointments=appointments,
        appointment_upkeep=Upkeep(store, carrier, hospitals, base.policies, clock),
        appointment_standing=Standing(store, carrier, hospitals, clock),
        appointment_following=Following(store, pools, carrier, directory, clock),
        fairness=fairness,
    )
