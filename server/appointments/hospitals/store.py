"""How hospitals are kept: `hospital_systems`, one row for each institution."""

from server.appointments.hospitals.model import Geofence, Hospital
from server.core.mongo import Collection, Document

MAX_HOSPITALS = 1000


class HospitalStore:
    # Some hundreds in a city, read whole into a cache: unsharded, found by `_id`.
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def put(self, hospital: Hospital) -> None:
        row = _row(hospital)
        await self._collection.update({"_id": row.pop("_id")}, {"$set": row}, upsert=True)

    async def list(self) -> list[Hospital]:
        """All of them, by id."""
        rows = await self._collection.find({"_id": {"$gt": ""}}, limit=MAX_HOSPITALS, sort=[("_id", 1)])
        return [_hospital(row) for row in rows]


def _row(hospital: Hospital) -> Document:
    fence = hospital.geofence
    return {
        "_id": hospital.institution_id,
        **{name: value for name, value in hospital.__dict__.items() if name != "institution_id"},
        "kinds": list(hospital.kinds),
        "geofence": None if fence is None else dict(fence.__dict__),
    }


def _hospital(row: Document) -> Hospital:
    told = {name: value for name, value in row.items() if name != "_id"}
    fence = told["geofence"]
    told |= {"kinds": tuple(told["kinds"]), "geofence": None if fence is None else Geofence(**fence)}
    return Hospital(institution_id=row["_id"], **told)
