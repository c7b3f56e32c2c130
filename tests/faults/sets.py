"""The two sets of runs: `quick` in CI, each fault at least once; `full` behind `python -m tests.faults`."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.run_acknowledgements import cut_acknowledgements
from tests.faults.run_authority import slow_authority
from tests.faults.run_bookings import kill_at_bookings
from tests.faults.run_channels import claim_everywhere
from tests.faults.run_contention import contend
from tests.faults.run_desks import kill_at_desks
from tests.faults.run_failpoints import kill_at_failpoints
from tests.faults.run_federation import kill_in_federation, slow_centre
from tests.faults.run_forged import present_forged_codes
from tests.faults.run_reminders import days_of_downtime, kill_in_ticks, pause_owners
from tests.faults.run_unwritable import refuse_writes
from tests.faults.run_uploads import kill_in_uploads
from tests.faults.runs import Outcome, Say, kill_database, kill_processes

Run = Callable[[int, Say], Outcome]


@dataclass(frozen=True)
class Sizes:
    """How much of each run.  `waits`: leases end in their own time, so the 60 s of I13 are real ones.
    `starts`: the parts that only the full set has.  `at_once`: acknowledgements cut in one trip.
    `floor_s`: times below it are not compared; in CI another run is on the machine as well."""

    kills_per_failpoint: int
    operations: int
    process_kills: int
    acknowledgements: int
    database_kills: int
    unsafe_acknowledgements: int
    unsafe_kills: int
    cuts_per_path: int
    refusals_per_path: int
    scans: int
    kills_in_federation: int
    claimed: int
    forged: int
    kills_in_ticks: int
    reminders: int
    pauses: int
    due: int
    waits: bool
    starts: bool
    at_once: int
    floor_s: float


REFUSED_AT_ONCE = 6
QUICK_TICKS = {"kills_in_ticks": 1, "reminders": 60, "pauses": 2, "due": 300}
FULL_TICKS = {"kills_in_ticks": 50, "reminders": 2_000, "pauses": 50, "due": 10_000}
QUICK = Sizes(
    *(1, 200, 4, 600, 2, 400, 2, 1, 1, 150, 1, 60, 20_000),
    **QUICK_TICKS,
    waits=False,
    starts=False,
    at_once=6,
    floor_s=2.0,
)
FULL = Sizes(
    *(20, 2_000, 20, 20_000, 20, 4_000, 20, 50, 10, 500, 20, 1_000, 1_000_000),
    **FULL_TICKS,
    waits=True,
    starts=True,
    at_once=1,
    floor_s=0.3,
)

KILLS = ("failpoints", "processes", "federation", "bookings", "reminders")
"The runs of the quick set that kill our own processes; the others fail us in other ways."


def runs_of(size: Sizes) -> dict[str, Run]:
    """The runs by a short name, in the order they are done."""
    waits = size.waits

    def cuts(seed: int, say: Say, *, driver_retries: bool) -> Outcome:
        return cut_acknowledgements(
            *(seed, say),
            times=size.cuts_per_path,
            waits=waits,
            driver_retries=driver_retries,
            at_once=size.at_once,
        )

    runs: dict[str, Run] = {
        "failpoints": lambda seed, say: kill_at_failpoints(
            *(seed, say),
            times=size.kills_per_failpoint,
            waits=waits,
            starts=size.starts,
            both_sides=size.starts,
        ),
        "processes": lambda seed, say: kill_processes(
            seed, say, operations=size.operations, kills=size.process_kills, waits=waits
        ),
        "database": lambda seed, say: kill_database(
            seed, say, acknowledgements=size.acknowledgements, kills=size.database_kills, waits=waits
        ),
        "unsafe": lambda seed, say: kill_database(
            seed,
            say,
            acknowledgements=size.unsafe_acknowledgements,
            kills=size.unsafe_kills,
            waits=waits,
            unsafe=True,
        ),
        "cuts": lambda seed, say: cuts(seed, say, driver_retries=False),
        "authority": lambda seed, say: slow_authority(
            seed, say, scans=size.scans, claims=8, waits=waits, floor_s=size.floor_s
        ),
        "federation": lambda seed, say: kill_in_federation(
            seed, say, times=size.kills_in_federation, both_sides=size.starts
        ),
        "peer": lambda seed, say: slow_centre(seed, say, scans=size.scans, floor_s=size.floor_s),
    }
    runs["channels"] = lambda seed, say: claim_everywhere(seed, say, people=size.claimed, waits=waits)
    runs["forged"] = lambda seed, say: present_forged_codes(seed, say, number=size.forged)
    runs["bookings"] = lambda seed, say: kill_at_bookings(
        seed, say, times=size.kills_per_failpoint, waits=waits, follows=size.starts
    )
    runs["reminders"] = lambda seed, say: kill_in_ticks(
        seed, say, times=size.kills_in_ticks, reminders=size.reminders
    )
    runs["pauses"] = lambda seed, say: pause_owners(seed, say, pauses=size.pauses)
    runs["downtime"] = lambda seed, say: days_of_downtime(seed, say, due=size.due)
    runs["uploads"] = lambda seed, say: kill_in_uploads(seed, say, times=size.kills_per_failpoint)
    if size.starts:
        runs["unwritable"] = lambda seed, say: refuse_writes(
            seed, say, times=size.refusals_per_path, waits=waits, at_once=REFUSED_AT_ONCE
        )
        runs["contention"] = lambda seed, say: contend(seed, say, capacity=100, rounds=30)
        runs["desks"] = lambda seed, say: kill_at_desks(seed, say, times=size.kills_per_failpoint)
        runs["uses"] = lambda seed, say: kill_at_failpoints(
            seed, say, times=size.kills_per_failpoint, waits=waits, starts=False, only="usages"
        )
        # The driver's own retry is its makers' to test; once in a while we look.
        runs["driver"] = lambda seed, say: cuts(seed, say, driver_retries=True)
    return runs
