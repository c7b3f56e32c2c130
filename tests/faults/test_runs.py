"""The quick set of the fault runs; a seed that fails goes into the parameters below."""

import pytest

from tests.faults.sets import QUICK, runs_of

pytestmark = pytest.mark.faults
SEED = 20261122


@pytest.mark.feature("S4")
@pytest.mark.parametrize("name", list(runs_of(QUICK)))
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(name: str) -> None:
    print(f"seed {SEED}")
    outcome = runs_of(QUICK)[name](SEED, print)
    assert outcome.trials > 0
    assert outcome.problems == []
