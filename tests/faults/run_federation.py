"""(g) Between centres: kill -9 at every write of a foreign scan, in each of the three processes.

And a peer that hangs, or is gone, while local scans go on.
"""

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from pathlib import Path

from sandbox.partner_client import PartnerApiError, Reply
from tests.faults.checkers import Finding
from tests.faults.clients import Resident
from tests.faults.federated import Federated
from tests.faults.processes import Child, wait_until
from tests.faults.run_authority import SLOWER_AT_MOST, scans_p99
from tests.faults.run_failpoints import one_side
from tests.faults.runs import Outcome, Say, Set, new_set
from tests.faults.stage import TERMINAL_ID

KILLED = -9
PROCESSES = ("first", "router", "second")
ANSWERED_S = 60.0
TERMINALS = 24
RETRY_AFTER_S = 1.0
BUDGET_S = 3.5  # three, and what a full machine adds
VERIFICATIONS = "/partner/v1/verifications"


def holder_at(on: Set, url: str, number: int) -> Resident:
    """A person with a card of the centre behind `url`."""
    on.clients.url = url
    resident = on.clients.run(on.clients.sign_in(on.people[number]))
    assert resident is not None
    on.clients.run(on.clients.claim(resident))
    assert resident.card_id
    return resident


def shown(on: Set, federated: Federated, resident: Resident, kind: str = "dynamic") -> str:
    on.clients.url = federated.urls["second"]
    code = on.clients.run(on.clients.show_code(resident, kind))
    assert code is not None
    return code


async def scan(on: Set, federated: Federated, code: str, key: str) -> Reply | None:
    """One scan of it at the first centre; None when no answer came."""
    on.clients.url = federated.urls["first"]
    body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID}
    try:
        return await on.clients.hospital().call("POST", VERIFICATIONS, body, idempotency_key=key)
    except PartnerApiError:
        return None


def scan_until_answered(on: Set, federated: Federated, code: str, key: str) -> Reply:
    """A correct terminal: asks again, same key, until something is known."""
    replies: list[Reply] = []

    def answered() -> bool:
        reply = on.clients.run(scan(on, federated, code, key))
        is_known = reply is not None and reply.status < 500 and not _is_under_way(reply)
        if is_known and reply is not None:
            replies.append(reply)
        return is_known

    wait_until(answered, ANSWERED_S, "an answer")
    return replies[0]


def _is_under_way(reply: Reply) -> bool:
    return reply.error is not None and reply.error[0] == "idempotency.in_progress"


# -- kill -9
def kill_in_federation(seed: int, say: Say, *, times: int, both_sides: bool = True) -> Outcome:
    """Each failpoint × `times`; without `both_sides` each write is killed before it or after it."""
    outcome = Outcome("kill -9 at every write of a scan between centres", seed)
    with new_set(10, seed) as on:
        federated = Federated(on.stage)
        children = {name: federated.start(name) for name in PROCESSES}
        resident = holder_at(on, federated.urls["second"], 0)
        names = {name: _passed(on, federated, children[name], resident) for name in PROCESSES}
        if not both_sides:
            names = {name: one_side(places, seed) for name, places in names.items()}
        missed: list[str] = []
        twice: list[str] = []
        for name in PROCESSES:
            for place in sorted(names[name]):
                for _ in range(times):
                    outcome.trials += 1
                    missed += _kill_at(children[name], place, on, federated, resident, twice)
            say(f"{name}: {len(names[name])} failpoints × {times}")
        outcome.figures |= {"failpoints": {name: len(names[name]) for name in PROCESSES}}
        outcome.findings["every failpoint kills"] = Finding(outcome.trials, missed)
        outcome.findings["one use, one answer, whoever died"] = Finding(outcome.trials, twice)
        on.stage.kill_all()
        outcome.findings["the audit of all three is sound"] = Finding(3, federated.audit_problems())
    return outcome


def _passed(on: Set, federated: Federated, child: Child, resident: Resident) -> set[str]:
    """The failpoints a new process passes in its first foreign scan, and not already while it starts."""
    file = on.stage.folder / f"{child.name}.passages"
    child.env["EHC_FAILPOINT_RECORD"] = str(file)
    child.restart()
    at_start = _counts(file)
    reply = scan_until_answered(on, federated, shown(on, federated, resident), uuid.uuid4().hex)
    assert reply.status == 200, reply.body
    del child.env["EHC_FAILPOINT_RECORD"]
    found = _counts(file)
    child.restart()
    return set(found) - set(at_start)


def _counts(file: Path) -> "Counter[str]":
    return Counter(file.read_text().split()) if file.exists() else Counter()


def _kill_at(
    child: Child, place: str, on: Set, federated: Federated, resident: Resident, twice: list[str]
) -> list[str]:
    """Kills the process at that place of one scan, starts it again, and asks until the scan is answered."""
    code, key = shown(on, federated, resident), uuid.uuid4().hex
    before = {name: federated.database(name).usages.count_documents({}) for name in ("first", "second")}
    child.terminate()
    child.env["EHC_FAILPOINT"] = f"{place}:1"
    child.start()
    asked = on.clients.spawn(scan(on, federated, code, key))
    reply = asked.result(30)  # type: ignore[call-arg]
    if reply is None or reply.status != 200:  # the connection broke: the process is ending, or has
        deadline = time.monotonic() + 5
        wait_until(lambda: not child.is_running or time.monotonic() > deadline, 10)
    missed = [] if child.returncode == KILLED else [f"{child.name} was not killed at {place}"]
    del child.env["EHC_FAILPOINT"]
    child.restart()
    _free_leases(federated)
    first = scan_until_answered(on, federated, code, key)
    again = scan_until_answered(on, federated, code, key)
    other = scan_until_answered(on, federated, code, uuid.uuid4().hex)
    if first.status != 200 or again.body != first.body:
        twice.append(f"{child.name} {place}: {first.status} {first.error}, then {again.status}")
    if other.status == 200:
        twice.append(f"{child.name} {place}: the code was taken a second time")
    for name, count in before.items():
        used = federated.database(name).usages.count_documents({}) - count
        if used != 1:
            twice.append(f"{child.name} {place}: {used} uses at the {name} centre")
    return missed


def _free_leases(federated: Federated) -> None:
    """What half a minute would do: a request whose process died is free to be taken up."""
    database = federated.database("first")
    database.idempotency.delete_many({"answer": {"$exists": False}})


# -- a slow peer
def slow_centre(seed: int, say: Say, *, scans: int, floor_s: float) -> Outcome:
    """`scans` local scans while the issuing centre is well, while it hangs, and while it is gone; all along
    TERMINALS terminals show its codes, and wait a second after each answer as `Retry-After` tells them.
    `floor_s`: as in `slow_authority`; a scan that waits with the foreign ones takes 3 s."""
    outcome = Outcome("another centre hangs, then is gone", seed, trials=2 * scans)
    with new_set(10, seed) as on:
        federated = Federated(on.stage)
        children = {name: federated.start(name) for name in PROCESSES}
        theirs = shown(on, federated, holder_at(on, federated.urls["second"], 0), "static")
        local = holder_at(on, federated.urls["first"], 1)
        figures: dict[str, float] = {}
        problems: list[str] = []
        for name in ("normal", "hangs", "gone"):
            if name == "hangs":
                children["second"].pause()
            if name == "gone":
                children["second"].resume()
                children["second"].kill()
            took: list[float] = []
            stop = asyncio.Event()
            load = on.clients.spawn(_foreign_load(on, federated, theirs, stop, took))
            wait_until(lambda: len(took) >= TERMINALS, 30, "the foreign scans")  # noqa: B023
            figures[name] = scans_p99(on.clients, local, scans)
            on.clients.run(_set(stop))
            load.result(60)  # type: ignore[call-arg]
            limit_s = max(SLOWER_AT_MOST * figures["normal"], floor_s)
            if figures[name] > limit_s:
                problems.append(f"{name}: local scans took {figures[name]:.3f} s, {limit_s:.3f} s at most")
            if max(took) > BUDGET_S:
                problems.append(f"{name}: a foreign scan took {max(took):.2f} s")
            say(f"{name}: local p99 {figures[name] * 1000:.0f} ms, {len(took)} foreign scans")
        outcome.figures["local_scan_p99_ms"] = {name: round(s * 1000, 1) for name, s in figures.items()}
        outcome.findings["F21 a slow peer is not the others' trouble"] = Finding(2 * scans, problems)
    return outcome


async def _foreign_load(
    on: Set, federated: Federated, code: str, stop: asyncio.Event, took: list[float]
) -> None:
    """Terminals that ask for the foreign card again and again; how long each answer took goes to `took`."""
    on.clients.url = federated.urls["first"]
    session = await on.clients.hospital().open_session(TERMINAL_ID)
    body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID}

    async def terminal() -> None:
        while not stop.is_set():
            started_at = time.monotonic()
            with contextlib.suppress(PartnerApiError):  # an unsigned 503 is an answer too
                await on.clients.hospital().call("POST", VERIFICATIONS, body, session=session)
            took.append(time.monotonic() - started_at)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_AFTER_S)

    await asyncio.gather(*(terminal() for _ in range(TERMINALS)))


async def _set(event: asyncio.Event) -> None:
    event.set()
