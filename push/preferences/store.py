"""How message preferences are kept: `message_preferences`, one row for an account that has chosen."""

from collections.abc import Sequence
from datetime import datetime, time

from push.preferences.model import Preferences, QuietHours
from server.core.mongo import Collection, Document


class PreferenceStore:
    # Read and written by its id, the account: that is the shard key.
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        """Those who have chosen."""
        if not account_ids:
            return {}
        rows = await self._collection.find({"_id": {"$in": list(account_ids)}}, limit=len(account_ids))
        return {row["_id"]: _preferences(row) for row in rows}

    async def put(self, account_id: str, chosen: Preferences, now: datetime) -> None:
        quiet = chosen.quiet
        hours = None if quiet is None else {"begins": f"{quiet.begins:%H:%M}", "ends": f"{quiet.ends:%H:%M}"}
        row = {"quiet": hours, "where": dict(chosen.where), "chosen_at": now}
        await self._collection.update({"_id": account_id}, {"$set": row}, upsert=True)


def _preferences(row: Document) -> Preferences:
    quiet = row["quiet"]
    hours = None if quiet is None else QuietHours(*(time.fromisoformat(quiet[n]) for n in ("begins", "ends")))
    return Preferences(hours, row["where"])
