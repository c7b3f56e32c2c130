"""Ticks as they were first kept, by the minute of their dose, kept by the dose's place in the plan."""

import re
from datetime import UTC, datetime

from server.core.mongo import Collection
from server.core.secrets import Sealer
from server.medications.model import Plan, TickState
from server.medications.store import MedicationStore

BATCH = 500
FIRST_FORM = re.compile(r"([0-9]+)@([0-9]{8}T[0-9]{4})")


async def name_ticks_anew(plans: Collection, sealer: Sealer) -> None:
    """Every tick under its newest name.  Safe to run again."""
    store, last = MedicationStore(plans, sealer), ""
    while rows := await plans.find({"_id": {"$gt": last}}, limit=BATCH, sort=[("_id", 1)]):
        for row in rows:
            plan: Plan | None = store.plan(row)
            while plan is not None and plan.ticks and not await store.name_ticks(plan, newest(plan)):
                plan = await store.find(plan.plan_id)  # somebody ticked meanwhile
        last = rows[-1]["_id"]


def newest(plan: Plan) -> dict[str, TickState]:
    """What was said of doses, by their newest names; a tick of a time no dose has any more is gone."""
    found: dict[str, TickState] = {}
    for key, state in plan.ticks.items():
        first = FIRST_FORM.fullmatch(key)
        if first is None:
            found[key] = state
            continue
        at = datetime.strptime(first[2], "%Y%m%dT%H%M").replace(tzinfo=UTC)
        keys = {item.item_no: newer for item, newer in plan.takings_at(at)}
        if (newer := keys.get(int(first[1]))) is not None:
            found[newer] = state
    return found
