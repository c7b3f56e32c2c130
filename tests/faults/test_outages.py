"""The quick set of the runs in which something else fails us: the database, a wire, a neighbour, time."""

import pytest

from tests.faults.sets import KILLS, QUICK, runs_of

pytestmark = pytest.mark.faults
SEED = 20261122


@pytest.mark.feature("S4")
@pytest.mark.parametrize("name", [name for name in runs_of(QUICK) if name not in KILLS])
def test_whatever_is_away_costs_nothing_acknowledged_and_one_feature_at_most(name: str) -> None:
    print(f"seed {SEED}")
    outcome = runs_of(QUICK)[name](SEED, print)
    assert outcome.trials > 0
    assert outcome.problems == []
