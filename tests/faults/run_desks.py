"""(h) kill -9 at every write of a hospital's desk: queues, visits, plans of examinations (M3, M4, M5).

One serving process dies again and again while another, and a worker, go on: two desks call from one queue,
who missed the call returns, a resident books a plan.  Whatever was not answered is asked again, same key.
"""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.partner_client import PartnerApiError
from server.appointments.fairness.policy import FairBookingPolicy
from server.appointments.hospitals.model import Hospital as HospitalSystem
from server.core.audit import Actor
from server.core.clock import city_day, iso
from tests.faults.checkers import Finding
from tests.faults.clients import Hospital, Resident
from tests.faults.history import Attempt, is_to_retry
from tests.faults.processes import http_ready, wait_until
from tests.faults.runs import DRAINED_S, Outcome, Say, Set, new_set
from tests.faults.stage import Stage

COLLECTIONS = ("visits.", "queues.", "queue_tokens.", "appointments.", "examination_plans.")
ITEMS = ("x.one", "x.two")
QUEUE = "D-01"
BY = Actor("system", "test")
TRIES, READY_S = 1_000, 60.0
MAX_ROUNDS = 3


class Desks:
    """What the hospital and its patient do in one round; every answer by its key."""

    def __init__(self, on: Set, mortal_url: str, steady_url: str) -> None:
        self._on = on
        self._mortal = self._hospital(mortal_url)
        self._steady = self._hospital(steady_url)
        self.mortal_url = mortal_url
        self.calls: dict[str, str | None] = {}
        self.joined: dict[str, str] = {}
        self.plans: dict[str, int] = {}
        self.differing = 0
        self._patient: Resident | None = None
        self._verification_id = ""

    def _hospital(self, url: str) -> Hospital:
        self._on.clients.url = url
        return self._on.clients.hospital()

    async def open(self) -> None:
        """A patient with a card the hospital has seen; an open queue; slots of two examinations."""
        clients = self._on.clients
        patient = await clients.sign_in(self._on.people[0])
        assert patient is not None
        await clients.claim(patient)
        code = await clients.show_code(patient)
        assert code is not None
        seen = await clients.verify(code)
        assert seen.result is not None
        self._patient, self._verification_id = patient, seen.result["verification_id"]
        queue = {"name": "内科", "place": "3 层", "department_id": QUEUE}
        await self._ask(self._steady, "PUT", f"/queues/{QUEUE}", queue)
        for number, item in enumerate(ITEMS):
            await self._ask(self._steady, "PUT", f"/slot-pools/pool-{number}", _pool(item, 9 + number))

    async def round(self, number: str) -> None:
        """Three join; two desks call; one is missed and returns; a plan of two is booked and given up."""
        tokens = [await self._join(f"R-{number}-{index}") for index in range(3)]
        await asyncio.gather(self._call(self._mortal), self._call(self._steady))
        first = tokens[0]["token_id"]
        for action in ("miss", "return"):
            await self._move(first, action)
        for _ in range(2):
            await self._call(self._mortal)
        for token in tokens:
            await self._move(token["token_id"], "finish")
        event = {"registration_no": f"R-{number}-0", "event": "consulted", "event_id": f"e-{number}"}
        await self._ask(self._mortal, "POST", "/visit-events", event)
        await self._plan(number)

    async def _join(self, number: str) -> Any:
        walk_in = {
            "verification_id": self._verification_id,
            "registration_no": number,
            "department": "内科",
            "department_id": QUEUE,
        }
        visit = await self._ask(self._mortal, "POST", "/visits", walk_in)
        body = {"registration_no": number}
        token = await self._ask(self._mortal, "POST", f"/queues/{QUEUE}/tokens", body)
        self.joined[visit["visit_id"]] = token["token_id"]
        return token

    async def _call(self, desk: Hospital) -> None:
        key = uuid.uuid4().hex
        called = await self._ask(desk, "POST", f"/queues/{QUEUE}/calls", {"place": "3"}, key)
        self.calls[key] = called["token"] and called["token"]["token_id"]

    async def _move(self, token_id: str, action: str) -> None:
        path = f"/queues/{QUEUE}/tokens/{token_id}/transitions"
        await self._ask(self._mortal, "POST", path, {"action": action}, refusable=True)

    async def _plan(self, number: str) -> None:
        assert self._patient is not None
        token, card_id = self._patient.token, self._patient.card_id
        ids = []
        for item in ITEMS:
            order = {
                "verification_id": self._verification_id,
                "order_no": f"O-{number}-{item}",
                "item": item,
                "name": item,
                "department_id": QUEUE,
            }
            ids.append((await self._ask(self._steady, "POST", "/examination-orders", order))["order_id"])
        wanted = {"card_id": card_id, "institution_id": "institution-a", "order_ids": ids}
        _, plan = await self._resident("/api/v1/examination-plans", wanted, token)
        path = f"/api/v1/examination-plans/{plan['plan_id']}/bookings"
        attempt, booked = await self._resident(path, None, token)
        assert attempt.status is not None
        self.plans[plan["plan_id"]] = attempt.status
        for one in booked.get("appointments", ()):
            path = f"/api/v1/appointments/{one['appointment_id']}/cancellation"
            await self._resident(path, None, token)

    # -- until it is answered
    async def _ask(
        self, desk: Hospital, method: str, path: str, body: Any, key: str = "", *, refusable: bool = False
    ) -> Any:
        key = key or uuid.uuid4().hex
        for _ in range(TRIES):
            try:
                reply = await desk.call(method, f"/partner/v1{path}", body, idempotency_key=key)
            except PartnerApiError:
                await self._ready()
                continue
            code = reply.error[0] if reply.error else None
            if reply.status >= 500 or code == "idempotency.in_progress":
                await self._ready()
                continue
            assert refusable or code is None, code
            return reply.body
        raise AssertionError(f"{method} {path} stays unanswered")

    async def _ready(self) -> None:
        """Returns when the process that dies is there again."""
        probe = http_ready(f"{self.mortal_url}/health/ready")
        await asyncio.to_thread(wait_until, probe, READY_S, "serve")

    async def _resident(self, path: str, body: Any, token: str) -> tuple[Attempt, Any]:
        key = uuid.uuid4().hex
        for _ in range(TRIES):
            self._on.clients.url = self.mortal_url
            attempt, content = await self._on.clients.ask("POST", path, body, token=token, key=key)
            if not is_to_retry(attempt):
                return attempt, content
            await self._ready()
        raise AssertionError(f"{path} stays unanswered")


def kill_at_desks(seed: int, say: Say, *, times: int) -> Outcome:
    """Each failpoint of a round × `times`; the n-th kill is at its n-th passage."""
    outcome = Outcome("kill -9 at every write of a hospital's desk", seed)
    with new_set(4, seed) as on:
        asyncio.run(_prepare(on.stage))
        _, steady_url = on.stage.serve("serve-steady")
        record = on.stage.folder / "desk.passages"
        mortal, url = on.stage.serve("serve-mortal", EHC_FAILPOINT_RECORD=str(record))
        on.stage.worker()
        on.clients.url = steady_url
        desks = Desks(on, url, steady_url)
        on.clients.run(desks.open())
        record.write_text("")
        on.clients.run(desks.round("learn"))
        names = Counter(name for name in record.read_text().split() if name.startswith(COLLECTIONS))
        mortal.terminate()
        mortal.env.pop("EHC_FAILPOINT_RECORD")
        missed: list[str] = []
        going = None
        passages = [f"{name}:{n % count + 1}" for name, count in sorted(names.items()) for n in range(times)]
        for number, passage in enumerate(passages):
            mortal.env["EHC_FAILPOINT"] = passage
            mortal.start()
            for attempt in range(MAX_ROUNDS):
                if going is None or going.done():
                    going = on.clients.spawn(desks.round(f"{number}-{attempt}"))
                under_way = going
                wait_until(lambda: not mortal.is_running or under_way.done(), 120, "the round")  # noqa: B023
                if not mortal.is_running:
                    break
            if mortal.is_running:
                missed.append(f"serve was not killed at {passage}")
                mortal.terminate()
            _let_leases_end(on.stage)
            outcome.trials += 1
            say(f"desks: killed at {passage}")
        mortal.env.pop("EHC_FAILPOINT")
        mortal.start()
        if going is not None:
            going.result(120)
        outcome.findings["every failpoint was met"] = Finding(outcome.trials, missed)
        outcome.figures |= {"failpoints": len(names), "calls": len(desks.calls), "plans": len(desks.plans)}
        say("desks: the last round is done")
        _let_leases_end(on.stage)
        wait_until(lambda: _is_drained(on.stage.database), DRAINED_S, "the outbox, drained,")
        _check(outcome, desks, on.stage.database)
        outcome.findings["answers are sane"] = Finding(1, sorted(set(on.clients.failures)))
    return outcome


def _check(outcome: Outcome, desks: Desks, database: Any) -> None:
    tokens = {row["_id"]: row for row in database.queue_tokens.find()}
    lost = [
        f"{visit_id} has another token"
        for visit_id, token_id in desks.joined.items()
        if tokens.get(token_id, {}).get("visit_id") != visit_id
    ]
    lost += [
        f"{row['visit_id']} joined {n} times"
        for row in tokens.values()
        for n in [database.queue_tokens.count_documents({"visit_id": row["visit_id"]})]
        if n != 1
    ]
    outcome.findings["M4 nobody is lost, nobody is there twice"] = Finding(len(tokens), lost)
    called = {key: row["_id"] for row in tokens.values() for key in row.get("call_keys", ())}
    twice = [
        f"token {row['number']} was called {len(row['call_keys'])} times for {1 + row['returns']} waits"
        for row in tokens.values()
        if len(row.get("call_keys", ())) > 1 + row["returns"]
    ]
    told = sum(token_id is not None for token_id in desks.calls.values())
    if len(called) != told:
        twice.append(f"{len(called)} calls were made, and {told} were answered")
    outcome.findings["M4 each call is of one token, each wait has one call"] = Finding(
        len(desks.calls), twice
    )
    visits = {row["_id"]: row for row in database.visits.find()}
    unseen = []
    for row in tokens.values():
        visit = visits[row["visit_id"]]
        times = sum(step["event"] == "consulted" for step in visit["steps"])
        most = (
            2 if visit["registration_no"].endswith("-0") else 1
        )  # of the first the hospital says so as well
        if row["state"] == "done" and not 1 <= times <= most:
            unseen.append(f"visit {row['visit_id']} was seen {times} times")
    outcome.findings["M5 whom the queue is done with was seen, once"] = Finding(len(tokens), unseen)
    live: Counter[str] = Counter()
    for row in database.appointments.find({"seat_in": {"$exists": True}}):
        live[str(row["request"]).partition("|")[0]] += 1
    states = {row["_id"]: row["state"] for row in database.examination_plans.find()}
    half = [
        f"plan {plan_id} is {state} and has {live[plan_id]} places"
        for plan_id, state in states.items()
        if live[plan_id]
    ]
    half += [
        f"plan {plan_id} was booked and is {states[plan_id]}"
        for plan_id, status in desks.plans.items()
        if status == 201 and states[plan_id] != "booked"
    ]
    outcome.findings["M3 a plan is booked as a whole or not at all"] = Finding(len(states), half)


def _is_drained(database: Any) -> bool:
    waits = {"outbox": {"$exists": True}}
    names = ("visits", "queue_tokens", "appointments", "examination_orders")
    busy = {"state": {"$in": ["booking", "giving_back"]}}
    return not any(
        database[name].find_one(waits) for name in names
    ) and not database.examination_plans.find_one(busy)


def _let_leases_end(stage: Stage) -> None:
    """What half a minute would do for whatever the killed process held."""
    now = datetime.now(UTC)
    stage.database.idempotency.update_many({"answer": {"$exists": False}}, {"$set": {"lease_until": now}})
    booking = {"state": {"$in": ["booking", "giving_back"]}}
    stage.database.examination_plans.update_many(booking, {"$set": {"due_at": now}})


async def _prepare(stage: Stage) -> None:
    """The hospital keeps its slots here; the patient may book more often in an hour than people do."""
    app = await stage.build()
    try:
        hospital = HospitalSystem("institution-a", "The first hospital", "pools")
        await app.services.hospitals.put(hospital, BY)
        version, _ = await app.services.policies.describe(FairBookingPolicy.NAME)
        generous = dict.fromkeys(("account_attempts", "address_attempts", "device_attempts"), 10_000)
        await app.services.policies.put(FairBookingPolicy.NAME, generous, version, BY)
    finally:
        await app.stop()


def _pool(item: str, hour: int) -> dict[str, Any]:
    day = city_day(datetime.now(UTC)) + timedelta(days=2)
    start = datetime.fromisoformat(f"{day.isoformat()}T{hour:02d}:00:00+08:00")
    half = timedelta(minutes=30)
    return {
        "kind": "examination",
        "department": {"department_id": QUEUE, "name": "检查科"},
        "item": item,
        "doctor": None,
        "place": "2 层",
        "on": day.isoformat(),
        "slots": [
            {
                "slot_id": "s1",
                "starts_at": iso(start),
                "ends_at": iso(start + half),
                "capacity": 50,
                "fee_fen": 0,
            }
        ],
    }
