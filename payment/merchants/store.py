"""How merchants are kept: `merchants`."""

from payment.merchants.model import Merchant
from server.core.mongo import Collection, index


class MerchantStore:
    # Some hundreds of institutions: unsharded.
    INDEXES = [index("institution_id", unique=True)]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert(self, merchant: Merchant) -> None:
        """Duplicate when the institution is a merchant."""
        row = dict(merchant.__dict__)
        row["_id"] = row.pop("merchant_id")
        await self._collection.insert(row)

    async def find_of(self, institution_id: str) -> Merchant | None:
        row = await self._collection.find_one({"institution_id": institution_id})
        return None if row is None else Merchant(merchant_id=row.pop("_id"), **row)
