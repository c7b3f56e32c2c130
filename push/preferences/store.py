"""How message preferences are kept: `message_preferences`, one row for an account that has chosen."""

from collections.abc import Sequence
from datetime import datetime, time

from push.preferences.model import Preferences, QuietHours
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document


class PreferenceStore:
    # Read and written by its id, the account: that is the shard key.
    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._by_accounts: Group[frozenset[str], dict[str, Preferences]] = Group(self._find_all)

    async def find_many(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        """Those who have chosen; who asks at the same time shares one query."""
        return await self._by_accounts.ask(frozenset(account_ids)) if account_ids else {}

    async def _find_all(
        self, asked: list[frozenset[str]]
    ) -> Sequence[dict[str, Preferences] | BaseException]:
        ids = list(frozenset().union(*asked))
        rows = {row["_id"]: row for row in await self._collection.find({"_id": {"$in": ids}}, limit=len(ids))}

        def of_accounts(each: frozenset[str]) -> dict[str, Preferences]:
            return {one: _preferences(rows[one]) for one in each if one in rows}

        return [attempt(of_accounts, each) for each in asked]

    async def put(self, account_id: str, chosen: Preferences, now: datetime) -> None:
        quiet = chosen.quiet
        hours = None if quiet is None else {"begins": f"{quiet.begins:%H:%M}", "ends": f"{quiet.ends:%H:%M}"}
        row = {"quiet": hours, "where": dict(chosen.where), "chosen_at": now}
        await self._collection.update({"_id": account_id}, {"$set": row}, upsert=True)


def _preferences(row: Document) -> Preferences:
    quiet = row["quiet"]
    hours = None if quiet is None else QuietHours(*(time.fromisoformat(quiet[n]) for n in ("begins", "ends")))
    return Preferences(hours, row["where"])
