"""The composition root: settings → foundation → stores → services → jobs.  No logic.

foundation.py   what every service stands on
assembly.py     one function for each noun
outside.py      the outside sources of identity
persons.py      the services of the person index
visits.py       visits and queues
examinations.py orders of examinations and plans
partners.py     the services of the register of partners
medications.py  medication plans
push.py         telling residents
indexes.py      the table of indexes
process.py      what every process starts and stops
usage.py        uses that hospitals tell of
router.py       the national router, put together of its own few parts
"""

import asyncio
from dataclasses import dataclass

from server.app import assembly
from server.app.foundation import Foundation, foundation
from server.app.outside import report_missing_sources
from server.app.process import Process
from server.core.audit_verifier import AuditVerifier, time_out_chains
from server.core.clock import Clock, SystemClock
from server.core.outbox import Relay
from server.jobs import Job, keep_measuring
from server.services import Services
from server.settings import Settings
from server.subscriptions import dispatcher

# The collections whose documents carry events.
EVENT_SOURCES = (
    *("cards", "usages", "persons", "person_reviews", "admissions"),
    *("slot_pools", "appointments", "examination_orders", "visits", "queue_tokens", "medication_plans"),
)


@dataclass(kw_only=True)
class App(Process):
    """One process's platform: its services, and what must be started, ticked and stopped."""

    settings: Settings
    clock: Clock
    relay: Relay
    services: Services
    jobs: list[Job]

    def start(self) -> None:
        """Besides, what `/metrics` shows of the database: the process that is asked for it must know."""
        super().start()
        measuring = [job for job in self.jobs if job.measures]
        self.tasks += [asyncio.create_task(keep_measuring(job, self.services.metrics)) for job in measuring]


async def build(settings: Settings, clock: Clock | None = None, *, unsafe_writes: bool = False) -> App:
    """The platform on a prepared database.  UnsafeDatabase, MasterKeyError, CryptoUnavailable, SealBroken or
    Unavailable when it cannot run here."""
    base = await foundation(settings, clock or SystemClock(), unsafe_writes)
    services = assembly.services(base)
    await report_missing_sources(services.proving)
    services.usage_upload.report_set_up()
    sources = [base.mongo.collection(name) for name in EVENT_SOURCES]
    relay = Relay(sources, dispatcher(services), base.clock)
    return App(
        settings=settings,
        clock=base.clock,
        mongo=base.mongo,
        keys=base.keys,
        seals=base.seals,
        versions=base.versions,
        chains=[base.act_chain, base.usage_chain],
        verifier=AuditVerifier(base.kept, base.seals),
        relay=relay,
        services=services,
        jobs=_jobs(base, services, relay),
        http=base.http,
    )


def _jobs(base: Foundation, services: Services, relay: Relay) -> list[Job]:
    """The table of jobs: name, seconds between two turns, what is done."""

    async def measure_backlog() -> None:
        waiting, parked = await relay.backlog()
        services.metrics.outbox_waiting.set(waiting)
        services.metrics.outbox_parked.set(parked)
        waiting, parked = await services.deliveries.backlog()
        services.metrics.deliveries_waiting.set(waiting)
        services.metrics.deliveries_parked.set(parked)
        due, parked = await services.reminders.backlog()
        services.metrics.reminders_due.set(due)
        services.metrics.reminders_parked.set(parked)
        owed, refused = await services.appointment_upkeep.releases_owed()
        services.metrics.releases_owed.set(owed)
        services.metrics.releases_refused.set(refused)

    return [
        Job("outbox", 0.2, relay.deliver_due),
        Job("pending_claims", 2, services.claims.resume_due),
        Job("cancelled_cards", 60, services.lifecycle.mask_cancelled),
        Job("appointments", 1, services.appointment_upkeep.continue_due),
        Job("expired_holds", 2, services.appointment_upkeep.release_expired),
        Job("appointments_standing", 15, services.appointment_standing.ask_due),
        Job("appointments_over", 60, services.appointment_upkeep.close_over),
        Job("reminders", 1, services.reminders.send_due),
        *(Job(f"messages_{lane.name}", 1, lane.deliver_due) for lane in services.lanes),
        Job("examination_plans", 5, services.examination_plans.give_back_due),
        Job("attachments", 60, services.attachments.delete_due),
        Job("audit_timeouts", 60, lambda: time_out_chains(base.kept, base.seals, base.clock)),
        Job("usage_upload", 5, services.usage_upload.send_due),
        Job("outbox_backlog", 15, measure_backlog, measures=True),
        Job("usage_backlog", 15, services.usage_upload.measure, measures=True),
    ]
