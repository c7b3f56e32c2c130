"""The services of examinations, put together from those of booking."""

from server.app.foundation import Foundation
from server.appointments.booking.store import AppointmentStore
from server.appointments.examinations.compatibility import Compatibility
from server.appointments.examinations.knowledge import ExaminationPolicy
from server.appointments.examinations.orders import OrderService
from server.appointments.examinations.plans import PlanService
from server.appointments.examinations.store import OrderStore, PlanStore
from server.cards.service import CardService
from server.services import AppointmentServices, ExaminationServices
from server.verification.service import VerificationService


def examining(
    base: Foundation,
    booked: AppointmentServices,
    cards: CardService,
    verification: VerificationService,
) -> ExaminationServices:
    kept, policies, clock = base.mongo.collection, base.policies, base.clock
    policies.declare(ExaminationPolicy)
    bookings = AppointmentStore(kept("appointments"))
    orders = OrderService(
        OrderStore(kept("examination_orders")),
        bookings,
        booked.hospitals,
        cards,
        verification,
        policies,
        clock,
    )
    plans = PlanService(
        PlanStore(kept("examination_plans")),
        orders,
        booked.appointments,
        bookings,
        Compatibility(bookings, policies, clock),
        booked.hospitals,
        booked.directory,
        cards,
        policies,
        clock,
        base.threads,
    )
    return ExaminationServices(orders, plans)
