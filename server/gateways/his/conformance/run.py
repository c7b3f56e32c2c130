"""Runs the cases one after the other."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from server.core.errors import Unavailable
from server.gateways.his.conformance import directory, locks, signatures, visits
from server.gateways.his.conformance.trial import Failed, Skipped, Trial
from server.gateways.his.interface import HospitalRefused, HospitalUnavailable

Run = Callable[[Trial], Awaitable[None]]
CASES: tuple[tuple[str, str, Run], ...] = (
    *signatures.CASES,
    *directory.CASES,
    *locks.CASES,
    *visits.CASES,
)


@dataclass(frozen=True)
class Outcome:
    """`reason` is empty for a case that passed."""

    case_id: str
    title: str
    state: Literal["passed", "failed", "skipped"]
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def run_case(case: tuple[str, str, Run], trial: Trial) -> Outcome:
    """What came of it; everything it took is given back."""
    case_id, title, run = case
    try:
        await run(trial)
    except Failed as failed:
        return Outcome(case_id, title, "failed", str(failed))
    except Skipped as skipped:
        return Outcome(case_id, title, "skipped", str(skipped))
    except HospitalRefused as refused:
        return Outcome(case_id, title, "failed", f"refused with {refused.code}")
    except HospitalUnavailable as unavailable:
        return Outcome(case_id, title, "failed", f"no usable answer: {unavailable.reason}")
    except Unavailable:
        return Outcome(case_id, title, "failed", "no answer")
    finally:
        await trial.tidy()
    return Outcome(case_id, title, "passed")


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """Line by line, for a person."""
    width = max(len(one.title) for one in outcomes)
    for one in outcomes:
        yield f"{one.case_id}  {one.state:<7}  {one.title:<{width}}  {one.reason}".rstrip()
    counts = {state: sum(one.state == state for one in outcomes) for state in ("passed", "failed", "skipped")}
    yield ", ".join(f"{count} {state}" for state, count in counts.items())
