"""The quick set of the runs that kill our processes; a seed that fails goes into the parameters below."""

import pytest

from tests.faults.sets import KILLS, QUICK, runs_of

pytestmark = pytest.mark.faults
SEED = 20261122


@pytest.mark.feature("S4")
@pytest.mark.parametrize("name", KILLS)
def test_whoever_is_killed_loses_nothing_acknowledged_and_does_nothing_twice(name: str) -> None:
    print(f"seed {SEED}")
    outcome = runs_of(QUICK)[name](SEED, print)
    assert outcome.trials > 0
    assert outcome.problems == []
