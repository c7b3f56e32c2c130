"""Running the cases, and what is told of them: a table for people, JSON for programs."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from server.conformance import cards, ehc, signing, tencent, verifying
from server.conformance.case import Case, Pause, Skipped, World
from server.conformance.client import Client, Failed, Web
from server.conformance.credentials import Credentials
from server.conformance.holder import Holder
from server.core.clock import Clock, iso, today

CASES: tuple[Case, ...] = (
    *(*signing.CASES, *verifying.CASES, *cards.CASES),
    *(*ehc.CASES, *tencent.CASES),
)
LONGEST_CASE_S = 400
GROWN_UP_YEARS = 20


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: Literal["passed", "failed", "skipped"]
    reason: str | None = None


async def examine(
    url: str,
    known: Credentials,
    clock: Clock,
    *,
    is_slow: bool = False,
    only: Sequence[str] = (),
    pause: Pause = asyncio.sleep,
) -> list[Result]:
    """One result for each case, in order; `only` names the cases to be run."""
    web = Web(url)
    try:
        people = _grown_up(known, today(clock))
        is_open = known.sms_url is not None and bool(people)
        holder = Holder(web, known.sms_url or "", people[0]) if is_open else None
        world = World(Client(web, known, clock), known, holder, people, pause, is_slow)
        return [await _tried(case, world) for case in CASES if not only or case.case_id in only]
    finally:
        web.close()


def _grown_up(known: Credentials, day: date) -> tuple[dict[str, str], ...]:
    """Made-up people who need no guardian."""
    return tuple(
        dict(one)
        for one in known.residents
        if one.get("id_type") == "01" and int(one["id_no"][6:10]) + GROWN_UP_YEARS < day.year
    )


async def _tried(case: Case, world: World) -> Result:
    if lacks := world.lacks(case.needs):
        return Result(case, "skipped", lacks)
    try:
        async with asyncio.timeout(LONGEST_CASE_S):
            await case.run(world)
    except Skipped as why:
        return Result(case, "skipped", str(why))
    except Failed as why:
        return Result(case, "failed", str(why))
    except TimeoutError:
        return Result(case, "failed", f"not done within {LONGEST_CASE_S} s")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as why:
        # An answer of a shape that the case did not foresee: the field's name is told, never what is in it.
        return Result(case, "failed", f"an answer of another shape ({type(why).__name__})")
    return Result(case, "passed")


def as_table(results: Sequence[Result]) -> str:
    lines = [
        f"{one.case.case_id}  {one.outcome:7}  {one.case.title}" + (f": {one.reason}" if one.reason else "")
        for one in results
    ]
    counted = Counter(one.outcome for one in results)
    total = ", ".join(f"{counted[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
    return "\n".join([*lines, "", total])


def as_plain(url: str, results: Sequence[Result], clock: Clock) -> dict[str, Any]:
    return {
        "platform": url,
        "at": iso(clock.now()),
        "conforms": not any(one.outcome == "failed" for one in results),
        "cases": [
            {"id": one.case.case_id, "title": one.case.title, "outcome": one.outcome, "reason": one.reason}
            for one in results
        ],
    }


def catalogue() -> str:
    """The table of docs/partner-api.md."""
    lines = ["| case | what is tried | needs |", "|---|---|---|"]
    for case in CASES:
        lines.append(f"| {case.case_id} | {case.title} | {', '.join(case.needs)} |")
    return "\n".join(lines) + "\n"
