"""(i) kill -9 of a worker inside the upload of uses to the centre above: nothing lost, nothing counted twice.

Which places there are is learnt from one upload that goes well.  Besides: killed while its batch is on the
way, which arrives when another has taken over; and stopped beyond its lease, to wake when it is over.
"""

import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.sm2 import public_key_of
from server.core.mongod_directory import free_port
from server.usage.upload.store import UPPER
from tests.faults.checkers import Finding
from tests.faults.processes import Child, http_ready, wait_until
from tests.faults.runs import Outcome, Say, Set, new_set

KILLED = -9
UPPER_KEY = bytes(31) + b"\x05"
USES_A_KILL = 3
MOST_PLACES = 14  # and ways to die, and some for the one that is well
# The turn, what is said before anything leaves, and the marks; the record's own writes die in `failpoints`.
OF_UPLOADS = ("usage_uploads.", "audit.insert.", "usages.", "transaction.")
PEOPLE, TELL_AT_ONCE = 4, 400
WORK_S = 60.0
DUE = {"upload.due": True}


@dataclass
class Uploads:
    """A stage whose uses wait to go up, all held back; `environment` tells a worker of the centre above."""

    on: Set
    url: str
    environment: dict[str, str]
    told: int = 0

    @property
    def rows(self) -> Any:
        return self.on.stage.database.usages

    def worker(self, name: str, built_in: str, **environment: str) -> Child:
        return self.on.stage.worker(name, built_in=built_in, **self.environment, **environment)

    def tell(self, number: int) -> None:
        """`number` uses of a card and their acknowledgements, told of to everybody but the centre above."""
        serve, self.on.clients.url = self.on.stage.serve(**self.environment)  # type: ignore[arg-type]
        worker = self.on.stage.worker("worker-of-events")
        resident = self.on.clients.run(self.on.clients.sign_in(self.on.people[0]))
        assert resident is not None
        self.on.clients.run(self.on.clients.claim(resident))
        assert resident.card_id
        for start in range(0, number, TELL_AT_ONCE):
            count = min(TELL_AT_ONCE, number - start)
            operation = self.on.clients.run(self.on.clients.tell(resident.card_id, count))
            assert operation.result is not None
            self.told += operation.result["accepted"]
        wait_until(self.on.stage.is_drained, WORK_S, "the outbox, drained,")
        worker.terminate()
        serve.terminate()
        self.rows.update_many(DUE, {"$set": {"upload": {"held": True}}})

    def release(self, number: int) -> None:
        """Lets some more wait for the upload, and a dead sender's lease end, as a minute would."""
        held = [row["_id"] for row in self.rows.find({"upload.held": True}, {"_id": 1}, limit=number)]
        self.rows.update_many({"_id": {"$in": held}}, {"$set": {"upload": {"due": True}}})
        self.end_lease()

    def end_lease(self) -> None:
        over = {"$set": {"lease_until": datetime.now(UTC) - timedelta(seconds=1)}}
        self.on.stage.database.usage_uploads.update_one({"_id": UPPER}, over)

    def is_sent(self) -> bool:
        """Nothing waits, and who sent it has said that its turn is over."""
        later = {"lease_until": {"$gt": datetime.now(UTC)}}
        uploads = self.on.stage.database.usage_uploads
        return not self.rows.find_one(DUE, {"_id": 1}) and not uploads.find_one(later, {"_id": 1})

    # -- the centre above
    def look(self) -> dict[str, Any]:
        """{"uses", "batches"} as it has them."""
        with urllib.request.urlopen(f"{self.url}/control/upper_centre/uses", timeout=5) as reply:
            seen: dict[str, Any] = json.load(reply)
        return seen

    def requests(self) -> int:
        with urllib.request.urlopen(f"{self.url}/control/upper_centre", timeout=5) as reply:
            return int(json.load(reply)["requests"])

    def fault(self, **fault: Any) -> None:
        request = urllib.request.Request(
            f"{self.url}/control/upper_centre", json.dumps(fault).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=5):
            pass


@contextmanager
def uploads(seed: int) -> Iterator[Uploads]:
    with new_set(PEOPLE, seed) as on:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        upper = {
            "private_key_hex": UPPER_KEY.hex(),
            "platform_public_key_hex": on.clients.run(_federation_key(on)),
            "centre_id": "0000A0001",
        }
        file = on.stage.folder / "upper.json"
        file.write_text(json.dumps({"port": port, "upper_centre": upper}))
        on.stage.processes.start(
            "upper",
            [sys.executable, "-m", "sandbox", "--config", str(file)],
            ready=http_ready(f"{url}/control/upper_centre/uses"),
        )
        public = "04" + public_key_of(UPPER_KEY).hex()
        known = {"UPPER_URL": f"{url}/upper", "UPPER_KEYS": f"k1:{public}", "CENTRE_ID": "0000A0001"}
        yield Uploads(on, url, known)


async def _federation_key(on: Set) -> str:
    app = await on.stage.build()
    try:
        return app.seals.federation_key()[1].public.raw.hex()
    finally:
        await app.stop()


def kill_in_uploads(seed: int, say: Say, *, times: int) -> Outcome:
    """Each place × `times`, the batch on the way × `times`, an owner stopped beyond its lease × `times`."""
    outcome = Outcome("kill -9 inside the upload of uses", seed)
    with uploads(seed) as up:
        up.tell(USES_A_KILL * (MOST_PLACES * times + 1))
        places = _discover(up)
        say(f"places: {', '.join(f'{name} × {count}' for name, count in sorted(places.items()))}")
        missed = _kill_at(up, places, times, say)
        missed += _kill_on_the_way(up, times)
        say(f"killed on the way × {times}")
        fenced = _stop_owners(up, times)
        say(f"stopped beyond the lease × {times}")
        up.release(up.told)
        worker = up.worker("worker-healed", "upload-alone")
        wait_until(up.is_sent, WORK_S, "the upload, finished,")
        assert (ended := worker.terminate()) == 0, f"the worker ended with {ended}"
        outcome.trials = (len(places) + 1) * times - len(missed) + fenced.cases
        outcome.figures |= {"places": len(places), "uses": up.told, "batches": len(up.look()["batches"])}
        outcome.findings["every place kills"] = Finding((len(places) + 1) * times, missed)
        outcome.findings["who overslept is fenced"] = fenced
        stored = list(up.rows.find({"institution_id": {"$ne": None}}))
        outcome.findings["I2 acknowledged is stored"] = _all_stored(up.told, stored)
        counted = up.on.stage.database.usage_uploads.find_one({"_id": UPPER})["sent"]
        outcome.findings["each use is above once"] = counted_once(stored, up.look(), counted)
        outcome.findings["I9 audit is sound"] = Finding(1, up.on.clients.run(_audit_problems(up.on)))
    return outcome


def _discover(up: Uploads) -> Mapping[str, int]:
    """How often one upload passes each place: what a worker passes that has work, less one that has none."""
    counts = []
    for name, number in (("idle", 0), ("busy", USES_A_KILL)):
        file = up.on.stage.folder / f"{name}.passages"
        if number:
            up.release(number)
        else:  # its turn never comes
            far = {"$set": {"lease_until": datetime(2999, 1, 1, tzinfo=UTC)}}
            up.on.stage.database.usage_uploads.update_one({"_id": UPPER}, far, upsert=True)
        worker = up.worker(f"worker-{name}", "upload-alone", EHC_FAILPOINT_RECORD=str(file))
        wait_until(lambda: "working" in worker.log_text(), WORK_S, "the worker")  # noqa: B023
        if number:
            wait_until(up.is_sent, WORK_S, "the upload")
        worker.terminate()
        counts.append(Counter(file.read_text().split()))
    idle, busy = counts
    places = {name: count - idle[name] for name, count in busy.items() if count > idle[name]}
    places = {name: count for name, count in places.items() if name.startswith(OF_UPLOADS)}
    for when in ("before", "after"):  # every turn begins so, with work or without
        places |= {f"usage_uploads.find_and_update.{when}": 1}
    # The turns after the one that sent pass it as well: what counts is the first turn's.
    return places | {f"usage_uploads.update.{when}": 2 for when in ("before", "after")}


def _kill_at(up: Uploads, places: Mapping[str, int], times: int, say: Say) -> list[str]:
    missed: list[str] = []
    worker: Child | None = None
    for name, count in sorted(places.items()):
        for number in range(times):
            passage = f"{name}:{number % count + 1}"
            up.release(USES_A_KILL)
            if worker is None:
                worker = up.worker("worker-armed", "upload-alone", EHC_FAILPOINT=passage)
            else:
                worker.env["EHC_FAILPOINT"] = passage
                worker.start()
            dead = worker
            wait_until(lambda: not dead.is_running or up.is_sent(), WORK_S, passage)  # noqa: B023
            worker.terminate()  # what is passed only when a process stops is passed now
            if worker.returncode != KILLED:
                missed.append(f"the worker was not killed at {passage}")
        say(f"{name} × {times}")
    return missed


def _kill_on_the_way(up: Uploads, times: int) -> list[str]:
    """The centre above reads a batch when its sender is dead and another has sent the same."""
    missed: list[str] = []
    for number in range(times):
        up.release(USES_A_KILL)
        before = up.requests()
        up.fault(delay_s=2, times=1)
        worker = up.worker(f"worker-on-the-way-{number}", "upload-alone")
        wait_until(lambda: up.requests() > before, WORK_S, "the batch")  # noqa: B023
        worker.kill()
        if up.is_sent():
            missed.append(f"the batch {number} was settled before its sender was killed")
        up.end_lease()
        heir = up.worker(f"worker-heir-{number}", "upload-alone")
        wait_until(up.is_sent, WORK_S, "the heir's upload")
        heir.terminate()
    return missed


def _stop_owners(up: Uploads, times: int) -> Finding:
    """Its turn begun and nothing sent yet: it stops, another sends the same, it wakes and is refused."""
    problems: list[str] = []
    owner = up.worker("worker-stopped", "pause-before-send")
    for number in range(times):
        log = owner.log_text().count("usage_upload.fenced")
        up.release(USES_A_KILL)
        wait_until(lambda: _is_stopped(owner), WORK_S, "the owner, stopped,")
        up.end_lease()
        other = up.worker(f"worker-other-{number}", "upload-alone")
        wait_until(up.is_sent, WORK_S, "the other's upload")
        other.terminate()
        owner.resume()
        wait_until(
            lambda: owner.log_text().count("usage_upload.fenced") > log,  # noqa: B023
            WORK_S,
            "the refusal of who overslept",
        )
        if not owner.is_running:
            problems.append("the owner ended")
    owner.kill()
    return Finding(times, problems)


# -- what must hold
def counted_once(stored: Sequence[Mapping[str, Any]], above: Mapping[str, Any], counted: int) -> Finding:
    """Every stored use is above, nothing else is, both counts say so, and no older turn came after a newer
    one; nothing waits here any more."""
    ids = Counter(use["use_id"] for use in above["uses"])
    ours = {row["_id"] for row in stored}
    problems = [f"{one} never went up" for one in sorted(ours - ids.keys())]
    problems += [f"{one} is nobody's here" for one in sorted(ids.keys() - ours)]
    problems += [f"{one} is above {count} times" for one, count in ids.items() if count > 1]
    accepted = sum(batch["accepted"] for batch in above["batches"])
    if accepted != len(ours):
        problems.append(f"{accepted} were counted above, {len(ours)} are stored")
    fences = [batch["fence"] for batch in above["batches"]]
    if fences != sorted(fences):
        problems.append("an older turn's batch was taken after a newer one's")
    if counted != len(ours):
        problems.append(f"{counted} were counted here, {len(ours)} are stored")
    problems += [f"{row['_id']} still waits" for row in stored if row["upload"] != {"sent": True}]
    return Finding(len(ours), problems[:20])


def _all_stored(told: int, stored: Sequence[Mapping[str, Any]]) -> Finding:
    missing = told - len(stored)
    return Finding(told, [f"{missing} acknowledged uses are not there"] if missing else [])


async def _audit_problems(on: Set) -> list[str]:
    app = await on.stage.build()
    try:
        return list((await app.verifier.verify()).problems)
    finally:
        await app.stop()


def _is_stopped(child: Child) -> bool:
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
