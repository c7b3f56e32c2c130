"""Check-in by place is sure or it is none (M4)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.visits.arrival import Arrival, Geofence, Place, arrival, distance_m, shifted

pytestmark = pytest.mark.feature("M4")

FENCE = Geofence(30.2741, 120.1551, 300)
METRE = 1 / 111_195


def at(north_m: float, accuracy_m: float) -> Arrival:
    place = Place(FENCE.latitude + north_m * METRE, FENCE.longitude, accuracy_m)
    return arrival(place, FENCE, worst_accuracy_m=300)


@pytest.mark.parametrize(
    ("north_m", "accuracy_m", "expected"),
    [
        (0, 20, Arrival.INSIDE),
        (270, 20, Arrival.INSIDE),
        (290, 20, Arrival.UNCERTAIN),
        (310, 20, Arrival.UNCERTAIN),
        (330, 20, Arrival.OUTSIDE),
        (0, 299, Arrival.INSIDE),
        (0, 301, Arrival.UNCERTAIN),
        (2_000, 5_000, Arrival.UNCERTAIN),
        (9_000, 5_000, Arrival.OUTSIDE),
    ],
)
def test_it_is_sure_or_it_cannot_be_told(north_m: float, accuracy_m: float, expected: Arrival) -> None:
    assert at(north_m, accuracy_m) is expected


@given(
    st.floats(0, 2_000),
    st.floats(0, 400),
    st.floats(0, 1),
    st.floats(0, 2 * math.pi),
)
def test_wherever_the_phone_really_is_a_sure_answer_is_right(
    away_m: float, accuracy_m: float, share: float, angle: float
) -> None:
    said = at(away_m, accuracy_m)
    off = accuracy_m * share
    north = (away_m + off * math.cos(angle)) * METRE
    east = off * math.sin(angle) * METRE / math.cos(math.radians(FENCE.latitude))
    really = distance_m(FENCE.latitude + north, FENCE.longitude + east, FENCE.latitude, FENCE.longitude)
    if said is Arrival.INSIDE:
        assert really <= FENCE.radius_m + 1
    if said is Arrival.OUTSIDE:
        assert really >= FENCE.radius_m - 1


def test_what_a_browser_says_is_shifted_to_what_the_map_says() -> None:
    """Tiananmen, as several public converters give it; and nothing outside China."""
    latitude, longitude = shifted(39.907333, 116.391083)
    assert abs(latitude - 39.908737) < 1e-4 and abs(longitude - 116.397326) < 1e-4
    assert shifted(35.6586, 139.7454) == (35.6586, 139.7454)


def test_a_place_is_not_shown_when_it_is_printed() -> None:
    assert "30.2" not in repr(Place(30.2741, 120.1551, 20))
