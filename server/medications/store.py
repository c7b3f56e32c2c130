"""How medication plans are kept: `medication_plans`, the drugs sealed."""

from collections.abc import Mapping
from datetime import date, datetime, time

from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox
from server.core.secrets import Sealer
from server.medications.model import Item, Meals, Plan, TickState, event_data

MAX_SHOWN = 50
# A year after its last dose a plan is of no use to a reminder, and the record of treatment is elsewhere.
KEPT_S = 365 * 86_400
SEALED = ("drug", "dose", "unit", "note")


class MedicationStore:
    # Shard key: card_id, because a resident reads the plans of a card; the prescription's number is unique
    # by its institution, which a hospital repeats with its own key.
    INDEXES = [
        index("card_id", ("_id", -1)),
        index("institution_id", "prescription_no", unique=True),
        index("ends_at", expire_after_s=KEPT_S),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer
        self._by_id: Group[str, Plan | None] = Group(self._find_many)

    async def insert(self, plan: Plan) -> None:
        """With its event.  Duplicate when the prescription has a plan already."""
        await self._collection.insert(
            {
                "_id": plan.plan_id,
                **{name: getattr(plan, name) for name in _PLAIN},
                "first_on": plan.first_on.isoformat(),
                "meals": _meals_row(plan.meals),
                "items": [_item_row(item) for item in plan.items],
                "drugs": self._seal(plan),
                "ends_at": plan.ends_at(),
                "outbox": outbox(plan.made_at, ("medication.planned", event_data(plan, plan.made_at))),
            }
        )

    async def find(self, plan_id: str) -> Plan | None:
        """By id; who asks at the same time shares one query."""
        return await self._by_id.ask(plan_id)

    async def _find_many(self, plan_ids: list[str]) -> list[Plan | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(plan_ids))}}, limit=len(plan_ids))
        found = {row["_id"]: attempt(self.plan, row) for row in rows}
        return [found.get(plan_id) for plan_id in plan_ids]

    async def find_by_prescription(self, institution_id: str, prescription_no: str) -> Plan | None:
        row = await self._collection.find_one(
            {"institution_id": institution_id, "prescription_no": prescription_no}
        )
        return None if row is None else self.plan(row)

    async def list_of_card(self, card_id: str) -> list[Plan]:
        """The newest MAX_SHOWN, newest first."""
        rows = await self._collection.find({"card_id": card_id}, limit=MAX_SHOWN, sort=[("_id", -1)])
        return [self.plan(row) for row in rows]

    async def change(self, plan: Plan, event: str, now: datetime) -> bool:
        """The plan in its new version, with its event; False when somebody has changed it meanwhile."""
        due, events = adding(now, (event, event_data(plan, now)))
        return await self._collection.update(
            {"_id": plan.plan_id, "version": plan.version - 1},
            {
                "$set": {
                    "version": plan.version,
                    "is_active": plan.is_active,
                    "meals": _meals_row(plan.meals),
                    "ends_at": plan.ends_at(),
                    **due,
                },
                "$push": events,
            },
        )

    async def tick(self, plan_id: str, keys: list[str], state: TickState | None) -> None:
        """What was said of these doses; None takes it back."""
        fields = {f"ticks.{key}": state or "" for key in keys}
        await self._collection.update({"_id": plan_id}, {"$unset" if state is None else "$set": fields})

    async def name_ticks(self, plan: Plan, ticks: Mapping[str, TickState]) -> bool:
        """Other names for what was said, for a migration; False when more was said meanwhile."""
        return await self._collection.update(
            {"_id": plan.plan_id, "ticks": dict(plan.ticks)}, {"$set": {"ticks": dict(ticks)}}
        )

    def _seal(self, plan: Plan) -> bytes:
        said = {str(item.item_no): {name: getattr(item, name) for name in SEALED} for item in plan.items}
        return self._sealer.seal_json("medication_plans", plan.plan_id, "drugs", said)

    def plan(self, row: Document) -> Plan:
        """What a row says."""
        drugs = self._sealer.unseal_json("medication_plans", row["_id"], "drugs", row["drugs"])
        items = tuple(Item(**one, **drugs[str(one["item_no"])]) for one in row["items"])
        return Plan(
            plan_id=row["_id"],
            first_on=date.fromisoformat(row["first_on"]),
            items=items,
            meals=Meals(**{name: time.fromisoformat(at) for name, at in row["meals"].items()}),
            ticks=row.get("ticks", {}),
            **{name: row[name] for name in _PLAIN},
        )


_PLAIN = (
    *("card_id", "person_id", "institution_id", "institution", "prescription_no"),
    *("made_at", "is_active", "version"),
)


def _item_row(item: Item) -> Document:
    return {name: value for name, value in vars(item).items() if name not in SEALED}


def _meals_row(meals: Meals) -> Document:
    return {name: f"{at:%H:%M}" for name, at in vars(meals).items()}
