"""A cold look after a run: everything killed, the database started anew, all checks, then the files read.

The files are read for what must not be in them: a number, a phone or a name in plain text (I15).  A canary
that was written in plain text proves that the reading finds what is there.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from server.app import App
from server.appointments.booking.model import slot_key
from server.core.clock import city_day
from server.core.secrets import Sealer
from tests.faults.booking_checks import BOOKING_CHECKS
from tests.faults.checkers import CHECKS, Finding, Row, Snapshot
from tests.faults.history import History
from tests.faults.people import Person
from tests.faults.stage import Stage

CANARY = "canary-19800000000-in-plain-text"


def check_cold(stage: Stage, history: History, people: Sequence[Person]) -> dict[str, Finding]:
    """Every check's finding.  Ends the database cleanly; the stage is of no use afterwards."""
    stage.kill_all()
    stage.mongod.kill()
    stage.mongod.start()
    heads = published_heads(stage.logs.glob("*.log"))
    stored = asyncio.run(_snapshot(stage, history, heads))
    found = {name: check(history, stored) for name, check in (CHECKS | BOOKING_CHECKS).items()}
    stage.database.canary.insert_one({"_id": CANARY, "text": CANARY})
    stage.stop_database()
    found["I15 nothing personal in plain text"] = no_plain_text(stage, people)
    return found


def losses(stage: Stage, history: History) -> list[str]:
    """Acknowledged verifications that a restarted database does not have; the stage goes on."""
    kept = {row["_id"] for row in stage.database.usages.find({}, {"_id": 1})}
    return [
        operation.key
        for operation in history.of("verify")
        if operation.result and operation.result["verification_id"] not in kept
    ]


def published_heads(logs: Iterable[Path]) -> dict[str, tuple[int, str]]:
    """The last head of each chain that went out of the database: through the processes' logs."""
    heads: dict[str, tuple[int, str]] = {}
    for log in logs:
        for line in log.read_text("utf-8", "replace").splitlines():
            if '"audit.head"' not in line:
                continue
            try:
                head = json.loads(line)
            except ValueError:
                continue  # a kill cut the line
            heads[head["chain"]] = max(heads.get(head["chain"], (0, "")), (head["seq"], head["head"]))
    return heads


def no_plain_text(stage: Stage, people: Sequence[Person]) -> Finding:
    """I15: no file of the database, no log holds a number, a phone or a name; AssertionError if the reading
    would not have found one."""
    texts = [text.encode() for person in people for text in (person.id_no, person.phone, person.name)]
    files = [file for file in sorted(stage.data.rglob("*")) if file.is_file()]
    logs = [file for file in sorted(stage.logs.glob("*.log")) if file.name != "sandbox.log"]
    assert any(_holds(file, [CANARY.encode()]) for file in files), "the reading misses plain text"
    problems = [f"{file.name} holds personal data" for file in (*files, *logs) if _holds(file, texts)]
    return Finding(len(texts), problems)


def _holds(file: Path, texts: Sequence[bytes]) -> bool:
    """Whether one of `texts` is in the file.  They share few beginnings, so each beginning is sought once."""
    wanted, lengths = set(texts), {text[:3]: len(text) for text in texts}
    content = file.read_bytes()
    for beginning, length in lengths.items():
        at = content.find(beginning)
        while at >= 0:
            if content[at : at + length] in wanted:
                return True
            at = content.find(beginning, at + 1)
    return False


async def _snapshot(stage: Stage, history: History, heads: dict[str, tuple[int, str]]) -> Snapshot:
    app = await stage.build()
    try:
        report = await app.verifier.verify(heads)
        sealer = Sealer(app.seals.current_keys)
        rows = {
            name: list(stage.database[name].find())
            for name in (
                "usages",
                "cards",
                "persons",
                "merges",
                "messages",
                "sessions",
                "audit",
                "audit_batches",
                "appointments",
                "slot_pools",
            )
        }
        tokens = [operation.result["token"] for operation in history.of("sign_in") if operation.result]
        return Snapshot(
            usages=rows["usages"],
            cards=rows["cards"],
            persons=rows["persons"],
            merges=rows["merges"],
            appointments=rows["appointments"],
            pools=rows["slot_pools"],
            places=await _places(app, rows["appointments"]),
            locks=await _locks(app, rows["appointments"]),
            messages=rows["messages"],
            sessions=frozenset(row["_id"] for row in rows["sessions"]),
            acts=rows["audit"],
            batches=rows["audit_batches"],
            documents={row["_id"]: _document(sealer, row) for row in rows["cards"]},
            session_ids={token: sealer.token_digest(token) for token in tokens},
            audit_problems=report.problems,
            code_refresh_s=app.settings.code_refresh_seconds,
            chains=report.chains,
            torn_tails=report.torn_tails,
        )
    finally:
        await app.stop()


async def _places(app: App, appointments: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """(capacity, free) of every slot of the schedules somebody was booked in, as each hospital says."""
    asked = {
        (at["institution_id"], at["kind"], at["department_id"], city_day(at["starts_at"]))
        for at in (row["at"] for row in appointments)
    }
    found = {}
    for institution_id, kind, department_id, on in asked:
        system = await app.services.hospitals.system_of(institution_id)
        for schedule in await system.schedules(kind, department_id, on, on):
            for slot in schedule.slots:
                found[slot_key(institution_id, slot.slot_id)] = (slot.capacity, slot.free)
    return found


async def _locks(app: App, appointments: Sequence[Row]) -> dict[str, str]:
    """What the hospitals with a system of their own know of each booking there."""
    found = {}
    for row in appointments:
        if not row["is_ours"]:
            system = await app.services.hospitals.system_of(row["at"]["institution_id"])
            found[row["_id"]] = (await system.find_lock(row["_id"])).state
    return found


def _document(sealer: Sealer, card: dict[str, Any]) -> str:
    return str(sealer.unseal_json("cards", card["_id"], "holder", card["holder"])["id_no"])
