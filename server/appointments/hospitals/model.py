"""What the platform knows of a hospital one can book at."""

from dataclasses import dataclass
from typing import Literal

from server.gateways.his.model import KINDS, Kind

SystemKind = Literal["his", "pools"]


@dataclass(frozen=True)
class Geofence:
    """Whoever is within `radius_m` metres of the point is at the hospital."""

    latitude: float
    longitude: float
    radius_m: int


@dataclass(frozen=True)
class Hospital:
    """Where an institution's slots are: in a system of its own (`his`, under `base_url`, its answers signed
    with the keys of `app_id`), or in the platform's pools.  `kinds`: what can be booked there.
    `counts_no_shows`: it tells us who has come, so who has not is known too."""

    institution_id: str
    name: str
    system: SystemKind
    address: str = ""
    kinds: tuple[Kind, ...] = KINDS
    base_url: str | None = None
    app_id: str | None = None
    geofence: Geofence | None = None
    counts_no_shows: bool = True
