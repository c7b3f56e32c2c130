"""What must hold after any fault run: pure functions from what clients saw and what is stored to problems.

Each returns sentences, none of them with personal data; an empty list means that it holds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from server.core.idempotency import Idempotency
from server.usage.keys import reported_use_key
from tests.faults.history import History, Operation
from tests.faults.stage import APP_ID

Row = dict[str, Any]
LIVE = ("pending", "active", "frozen", "lost")
SKEW_S = 5
INSTITUTION_ID = "institution-a"


@dataclass(frozen=True)
class Snapshot:
    """What is stored, read from a cold restart.  `documents` is the number in each card, unsealed;
    `session_ids` the stored id of each token the history knows; `places` (capacity, free) of each slot, as
    its hospital says, and `locks` the state of each lock at a hospital with a system of its own."""

    usages: Sequence[Row]
    cards: Sequence[Row]
    persons: Sequence[Row]
    messages: Sequence[Row]
    sessions: frozenset[str]
    acts: Sequence[Row]
    batches: Sequence[Row]
    documents: Mapping[str, str]
    session_ids: Mapping[str, str]
    audit_problems: Sequence[str]
    code_refresh_s: int
    chains: int = 0
    torn_tails: int = 0
    merges: Sequence[Row] = ()
    appointments: Sequence[Row] = ()
    pools: Sequence[Row] = ()
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    locks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One invariant: how many cases were looked at, and what was wrong."""

    cases: int
    problems: list[str] = field(default_factory=list)


Check = Callable[[History, Snapshot], Finding]


def scans(stored: Snapshot) -> list[Row]:
    """The uses the platform saw itself; the others a hospital told of."""
    return [row for row in stored.usages if "told_at" not in row]


def acknowledged_is_stored(history: History, stored: Snapshot) -> Finding:
    """I2: every operation answered 2xx is there."""
    usages = {row["_id"]: row for row in stored.usages}
    used = {row["use_key"] for row in stored.usages}
    cards = {row["_id"]: row for row in stored.cards}
    problems = []
    acknowledged = [
        operation
        for operation in history.operations
        if operation.is_acknowledged and not operation.about.get("signed_out")
        if operation.kind not in ("book", "cancel")  # booking_checks.py looks at those
    ]
    for operation in acknowledged:
        assert operation.result is not None
        if operation.kind == "verify":
            row = usages.get(operation.result["verification_id"])
            kept = row is not None and row["card_id"] == operation.result["card"]["card_id"]
        elif operation.kind == "tell":
            kept = all(key in used for key in told_keys(operation))
        elif operation.kind in ("claim", "issue"):
            row = cards.get(card_id_of(operation))
            kept = row is not None and stored.documents[row["_id"]] == operation.about["person"].id_no
        else:
            kept = stored.session_ids[operation.result["token"]] in stored.sessions
        if not kept:
            problems.append(f"{operation.kind} {operation.key} was acknowledged and is not stored")
    return Finding(len(acknowledged), problems)


def told_keys(operation: Operation) -> set[str]:
    """The `use_key` of every event of an acknowledged batch that was not refused."""
    assert operation.result is not None
    kept = [row["event_id"] for row in operation.result["receipts"] if row["outcome"] != "refused"]
    return {reported_use_key(INSTITUTION_ID, event_id) for event_id in kept}


def told_once(history: History, stored: Snapshot) -> Finding:
    """I7: of a batch every event is one use, and none is refused or stored twice."""
    told = [operation for operation in history.of("tell") if operation.result]
    uses = Counter(row["use_key"] for row in stored.usages)
    problems = [
        f"an event of {one.key} has {uses[key]} uses"
        for one in told
        for key in told_keys(one)
        if uses[key] != 1
    ]
    problems += [
        f"the batch {one.key} was answered {one.result['duplicates']} twice, {one.result['refused']} refused"
        for one in told
        if one.result and (one.result["duplicates"], one.result["refused"]) != (1, 0)
    ]
    return Finding(sum(len(told_keys(one)) for one in told), problems)


def audit_is_sound(history: History, stored: Snapshot) -> Finding:
    """I9: the chains are unbroken, every acknowledged verification is a row that a batch seals, and every
    acknowledged claim is in the record of acts."""
    sealed = {row_id for batch in stored.batches for row_id in batch["rows"]}
    sealed |= {row["object"]["id"] for row in stored.acts if row["outcome"] == "repeated"}
    told_again = (row["detail"].get("repeated", ()) for row in stored.acts if row["action"] == "usage.report")
    sealed |= {text.partition(":")[0] for texts in told_again for text in texts}
    problems = list(stored.audit_problems)
    acknowledged = [operation for operation in history.of("verify") if operation.result]
    for operation in acknowledged:
        assert operation.result is not None
        if operation.result["verification_id"] not in sealed:
            problems.append(f"verification {operation.key} was acknowledged and no batch seals it")
    rows = {row["use_key"]: row["_id"] for row in stored.usages}
    for operation in history.of("tell"):
        if operation.result and not {rows.get(key) for key in told_keys(operation)} <= sealed:
            problems.append(f"uses {operation.key} were acknowledged and no batch seals them")
    actions = {"claim": "cards.claim", "issue": "cards.issue"}
    acts = {(row["action"], row["object"]["id"]) for row in stored.acts}
    claims = [operation for kind in actions for operation in history.of(kind) if operation.result]  # type: ignore[arg-type]
    for operation in claims:
        if (actions[operation.kind], card_id_of(operation)) not in acts:
            problems.append(f"{operation.kind} {operation.key} was acknowledged and is in no record of acts")
    return Finding(len(acknowledged) + len(claims), problems)


def codes_are_single(history: History, stored: Snapshot) -> Finding:
    """I11: no dynamic code is accepted twice, or outside its life."""
    dynamic = [row for row in scans(stored) if ":" in row["use_key"]]
    problems = [
        f"a code has {number} uses"
        for number in Counter(row["use_key"] for row in dynamic).values()
        if number > 1
    ]
    life = timedelta(seconds=stored.code_refresh_s + SKEW_S)
    for row in dynamic:
        issued_at_s = int(row["use_key"].split(":")[1], 16)
        age_s = row["at"].timestamp() - issued_at_s
        if not -SKEW_S <= age_s <= life.total_seconds():
            problems.append(f"usage {row['_id']} took a code {age_s:.0f} s old")
    accepted: dict[str, set[str]] = {}
    for operation in history.of("verify"):
        code = operation.about["body"]["code"]
        if operation.result and ":0:" in code:
            accepted.setdefault(code, set()).add(operation.result["verification_id"])
    problems += ["a code was accepted as two uses" for uses in accepted.values() if len(uses) > 1]
    return Finding(len(dynamic), problems)


def one_live_card_each(history: History, stored: Snapshot) -> Finding:
    """B1: one live card for a document and for a person; one person for a document, and none without card."""
    alive = [row for row in stored.cards if row["status"] in LIVE]
    live = [row for row in alive if "joins" not in row]  # the others ask to be shown a card that is there
    problems = []
    for what, values in (
        ("document", [stored.documents[row["_id"]] for row in live]),
        ("person", [row["person_id"] for row in live if "person_id" in row]),
        ("person's document", [key["key"] for row in stored.persons for key in row["documents"]]),
    ):
        problems += [f"one {what} is there {n} times" for n in Counter(values).values() if n > 1]
    with_card = {row.get("person_id") for row in stored.cards}  # a cancelled one too
    problems += [
        f"person {row['_id']} has no card"
        for row in stored.persons
        if row["_id"] not in with_card and row.get("origin", {}).get("channel") != "batch"
    ]
    known = {row["_id"] for row in stored.persons}
    problems += [
        f"card {row['_id']} is active and its person is not there"
        for row in live
        if row["status"] == "active" and row["person_id"] not in known
    ]
    problems += [
        f"card {row['_id']} says wrongly that it lives"
        for row in stored.cards
        if row["is_live"] != (row in alive)
    ]
    return Finding(len(stored.cards), problems)


def no_half_merged_person(history: History, stored: Snapshot) -> Finding:
    """B1: one live index for a document, nobody merged by half or in a circle, a merge for each pointer."""
    into = {row["_id"]: row.get("merged_into") for row in stored.persons}
    done = {
        row["absorbed_id"]: row["survivor_id"]
        for row in stored.merges
        if row["state"] in ("done", "reversal_proposed")
    }
    problems = [
        f"person {row['_id']} is {row.get('state')} and points to {into[row['_id']]}"
        for row in stored.persons
        if (row.get("state") == "merged") != (into[row["_id"]] is not None)
    ]
    pointers = {person: survivor for person, survivor in into.items() if survivor is not None}
    problems += [f"person {person}: merge and pointer differ" for person in done.items() ^ pointers.items()]
    for person in into:
        seen, at = {person}, into[person]
        while at is not None and at not in seen:
            seen.add(at)
            at = into.get(at)
        if at is not None:
            problems.append(f"person {person} is merged in a circle")
    keys = Counter(document["key"] for row in stored.persons for document in row["documents"])
    problems += [f"one document is held {n} times" for n in keys.values() if n > 1]
    return Finding(len(stored.persons), problems)


def same_key_same_answer(history: History, stored: Snapshot) -> Finding:
    """I7: one key has one effect and one answer; what was refused has no effect."""
    effects = Counter(row["request_key"] for row in scans(stored) if row["request_key"])
    problems = []
    keyed = [operation for operation in history.operations if operation.kind != "sign_in"]
    for operation in keyed:
        answers = {
            attempt.body
            for attempt in operation.attempts
            if attempt.status is not None and attempt.status < 500 and attempt.status != 429
            if attempt.error != "idempotency.in_progress"
        }
        if len(answers) > 1:
            problems.append(f"{operation.kind} {operation.key} was answered in {len(answers)} ways")
        if operation.kind == "verify":
            number = effects.pop(usage_key(operation), 0)
            if number != operation.is_acknowledged:
                problems.append(f"verify {operation.key}: {_outcome(operation)}, {number} uses stored")
    problems += [f"{number} uses nobody asked for" for number in effects.values()]
    return Finding(len(keyed), problems)


def everything_is_delivered(history: History, stored: Snapshot) -> Finding:
    """I13: no event waits, no claim is undecided, and each use was told to each holder once."""
    problems = [
        f"{name} {row['_id']} has undelivered events"
        for name, rows in (("card", stored.cards), ("usage", scans(stored)), ("person", stored.persons))
        for row in rows
        if "outbox" in row
    ]
    problems += [
        f"card {row['_id']} is still pending"
        for row in stored.cards
        if row["status"] == "pending" and not row.get("waits_for_review")  # people decide in their own time
    ]
    ties = {row["_id"]: {tie["account_id"] for tie in row["ties"]} for row in stored.cards}
    told = Counter(
        (row["data"]["verification_id"], row["account_id"])
        for row in stored.messages
        if row["kind"] == "card_used"
    )
    for row in scans(stored):
        for account_id in ties.get(row["card_id"], ()):
            number = told[row["_id"], account_id]
            if number != 1:
                problems.append(f"use {row['_id']} was told {number} times")
    return Finding(len(scans(stored)) + len(stored.cards), problems)


def card_id_of(operation: Operation) -> str:
    """The card an acknowledged claim, or a window, has answered with."""
    assert operation.result is not None
    about = operation.result["card"] if operation.kind == "issue" else operation.result
    return str(about["card_id"])


CHECKS: Mapping[str, Check] = {
    "I2 acknowledged is stored": acknowledged_is_stored,
    "I7 same key, same answer, one effect": same_key_same_answer,
    "V9 an event told is one use": told_once,
    "I9 audit is sound": audit_is_sound,
    "I11 codes are single": codes_are_single,
    "I13 everything is delivered": everything_is_delivered,
    "B1 one live card each": one_live_card_each,
    "I3 no half-merged person": no_half_merged_person,
}


def usage_key(operation: Operation) -> str:
    """The `request_key` of the use this verification makes."""
    route = "POST /partner/v1/verifications"
    return Idempotency.row_id(None, f"app:{APP_ID}", route, operation.key)  # type: ignore[arg-type]


def _outcome(operation: Operation) -> str:
    return "acknowledged" if operation.is_acknowledged else operation.refusal or "unknown"
