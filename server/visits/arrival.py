"""Check-in by place (M4): surely inside, surely outside, or it cannot be told.  Pure.

A phone says where it is and how far that may be wrong.  Only what holds wherever in that circle it may be
counts; for the rest there is the code at the desk.  A position is looked at and never stored.

Chinese maps, and a hospital's geofence, are in GCJ-02; browsers and some phones say WGS-84, some 500 m away.
The phone says which of the two it is.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

EARTH_RADIUS_M = 6_371_000
System = Literal["gcj02", "wgs84"]

# Krasovsky 1940, by which GCJ-02 shifts.
_AXIS_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_SHIFT_ERROR_M = 10
"""How far the shift as computed here may be from the surveyors' own."""


@dataclass(frozen=True)
class Geofence:
    """Where an institution is: the middle in GCJ-02 degrees, and how far its grounds reach, in metres."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True, repr=False)
class Place:
    """Where a phone says it is, in degrees, and how far that may be wrong, in metres.  Never stored or
    logged."""

    latitude: float
    longitude: float
    accuracy_m: float
    system: System = "gcj02"


class Arrival(StrEnum):
    INSIDE = "inside"
    OUTSIDE = "outside"
    UNCERTAIN = "uncertain"


def arrival(place: Place, fence: Geofence, worst_accuracy_m: float) -> Arrival:
    """Sure only when every point the phone may be at gives the same answer, and it is not too vague."""
    accuracy_m = place.accuracy_m
    latitude, longitude = place.latitude, place.longitude
    if place.system == "wgs84":
        latitude, longitude = shifted(latitude, longitude)
        accuracy_m += _SHIFT_ERROR_M
    away_m = distance_m(latitude, longitude, fence.latitude, fence.longitude)
    if away_m - accuracy_m > fence.radius_m:
        return Arrival.OUTSIDE
    if accuracy_m <= worst_accuracy_m and away_m + accuracy_m <= fence.radius_m:
        return Arrival.INSIDE
    return Arrival.UNCERTAIN


def distance_m(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Metres along the sphere."""
    one, other = math.radians(latitude), math.radians(to_latitude)
    across = math.sin(math.radians(to_longitude - longitude) / 2) ** 2
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * across
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half)))


def shifted(latitude: float, longitude: float) -> tuple[float, float]:
    """WGS-84 degrees as GCJ-02 has them, within China; the same degrees elsewhere."""
    if not (0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    waves = (20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)) * 2 / 3
    north += waves + (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east += waves + (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    angle = math.radians(latitude)
    magic = 1 - _ECCENTRICITY_SQUARED * math.sin(angle) ** 2
    meridian = _AXIS_M * (1 - _ECCENTRICITY_SQUARED) / (magic * math.sqrt(magic))
    parallel = _AXIS_M / math.sqrt(magic) * math.cos(angle)
    return latitude + math.degrees(north / meridian), longitude + math.degrees(east / parallel)
