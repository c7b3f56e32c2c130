"""No query of a request or a job reads a whole collection: each is recorded, then explained."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient, monitoring

from handlers.scopes import SCOPES
from tests.api.booking import INSTITUTION, book, load, open_hospital, schedule, slot_ref
from tests.api.test_examinations import ALL, book_plan, hospital, ordered, patient, plan
from tests.api.test_medication_plans import planned
from tests.api.test_queues import line_up, order
from tests.api.test_usage_events import event, known_patient, tell
from tests.dialect_clients import EhcSoftware, TencentSoftware, switch_on
from tests.harness import APP_ID, Platform
from tests.visits import Desk, settle

# Small for ever, and read whole on purpose: one row a key, a cached noun, a migration.
SMALL = {"keys", "versions", "migrations"}
READS = {"find", "aggregate", "update", "findAndModify", "delete", "count"}
NOISE = {"lsid", "$db", "$clusterTime", "txnNumber", "writeConcern", "maxTimeMS", "$readPreference", "new"}


class Recorder(monitoring.CommandListener):
    """Every command that looks something up, as it was sent."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name in READS and event.command[name] not in SMALL:
            self.commands.append({key: value for key, value in event.command.items() if key not in NOISE})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Registered before the platform's client is made; the driver keeps listeners in a global list."""
    listener = Recorder()
    kept = monitoring._LISTENERS.command_listeners
    kept.append(listener)
    yield listener
    kept.remove(listener)


def stages(plan: Any) -> Iterator[str]:
    """The names of all stages anywhere in an explained command."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for value in plan.values():
            yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


def scanned(database: Any, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that would read a whole collection."""
    explained = {str(command): command for command in commands}
    return [
        command
        for command in explained.values()
        if "COLLSCAN" in stages(database.command("explain", command, verbosity="queryPlanner"))
    ]


@pytest.mark.gen_test(timeout=60)
async def test_the_whole_trip_reads_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    client = platform.partner()
    session = await client.open_session("T-0001")
    code = await platform.code(token, card_id)
    for _ in range(2):
        await platform.scan(client, code, session)
    await platform.work()
    [message] = await platform.messages(token)
    await platform.http.post(f"/api/v1/messages/{message['message_id']}/read", token=token)
    await platform.http.get("/api/v1/cards", token=token)
    await platform.http.send("DELETE", "/api/v1/sessions/current", token=token)
    assert len(recorder.commands) > 20
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("V9")
@pytest.mark.gen_test(timeout=60)
async def test_telling_of_uses_reads_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    token, card_id, person_id = await known_patient(platform)
    platform.clock.advance(1)
    named: list[dict[str, Any]] = [
        {"card_id": card_id},
        {"person_id": person_id},
        {"hospital_patient_no": "P-1"},
        {"code": await platform.code(token, card_id), "direct": True},
        {"code": "0" * 64 + ":1::0000A0001", "direct": True},
    ]
    for _ in range(2):
        await tell(platform, *(event(platform, f"e-{n}", **how) for n, how in enumerate(named)))
    assert [c for c in recorder.commands if c.get("find") == "usages"], "the recorder sees nothing"
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("V6")
@pytest.mark.gen_test(timeout=60)
async def test_the_dialects_read_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    for name in ("ehc", "tencent"):
        await switch_on(platform, name)
    await platform.app.services.dialects.list_of_app(APP_ID)
    ehc, tencent, resident = EhcSoftware(platform), TencentSoftware(platform), platform.residents[0]
    person = {"id_no": resident.id_no, "name": resident.name, "cellphone": resident.phone}
    [_, _, told] = await ehc.call("ehc.ehealthcard.register", person)
    await ehc.call("ehc.ehealthcard.regquery", {"id_no": resident.id_no})
    await ehc.call("ehc.ehealthcode.generate", told)
    await tencent.sign_in()
    code = f"{told['ehealth_card_id']}:1"
    assert (await tencent.call("verifyQRCode", {"qrCodeText": code, "medicalStep": "010101"}))[0] == 0
    assert {"partner_dialects", "dialect_tokens"} <= {c.get("find") for c in recorder.commands}
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("V3", "V9", "S3")
@pytest.mark.gen_test(timeout=60)
async def test_what_staff_keep_watch_over_reads_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    staff = await platform.staff("partners.read", "security.events")
    for path in (
        "admissions",
        "partners",
        f"partners?institution_id=institution-of-{APP_ID}",
        "code-mappings",
        f"code-mappings/institution-of-{APP_ID}",
        "usage-uploads",
        "security-events?state=open",
    ):
        assert (await platform.http.get(f"/staff/v1/{path}", token=staff)).status == 200, path
    read = {command.get("find") or command.get("aggregate") for command in recorder.commands}
    assert {"admissions", "apps", "code_mappings", "usages", "security_events"} <= read
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("M1", "M2", "N1")
@pytest.mark.gen_test(timeout=60)
async def test_booking_and_its_reminders_read_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    await open_hospital(platform)
    free, paid = schedule(platform), schedule(platform, hour=14, fee_fen=500)
    for schedule_id, content in (("free", free), ("paid", paid)):
        await load(platform, schedule_id, content)
    token, card_id = await platform.holder(platform.residents[0])
    at = f"/api/v1/institutions/{INSTITUTION}"
    for path in (
        "/api/v1/institutions",
        f"{at}/departments?kind=clinic",
        f"{at}/doctors?department_id=D01",
        f"{at}/days?department_id=D01",
        f"{at}/slots?department_id=D01&on={free['on']}",
        f"/api/v1/booking-limits?card_id={card_id}",
    ):
        assert (await platform.http.get(path, token=token)).status == 200, path
    booked = [
        (await book(platform, token, card_id, slot_ref(content, schedule_id, slot_id), headers=key)).json
        for content, schedule_id, slot_id, key in (
            (free, "free", "s1", {"Idempotency-Key": "b1"}),
            (free, "free", "s2", {}),
            (paid, "paid", "s1", {}),
        )
    ]
    assert [one["state"] for one in booked] == ["confirmed", "confirmed", "held"]
    await book(platform, token, card_id, slot_ref(free, "free"))  # there already
    await settle(platform)
    path = f"/api/v1/appointments/{booked[0]['appointment_id']}"
    await platform.http.post(f"{path}/cancellation", token=token)
    await load(platform, "free", {**free, "is_closed": True, "moves_to": "paid"})
    for hours in (0, 1, 20, 30):  # the hold expires, reminders are due, nobody comes
        platform.clock.advance(hours * 3600)
        await settle(platform)
    token = await platform.sign_in(platform.residents[0])
    for which in ("coming", "past"):
        assert (await platform.http.get(f"/api/v1/appointments?which={which}", token=token)).status == 200
    assert (await platform.http.get(path, token=token)).status == 200
    seen = {name for command in recorder.commands for name in command.values() if isinstance(name, str)}
    assert {"appointments", "slot_pools", "reminders", "messages", "deliveries"} <= seen
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("M4", "M5")
@pytest.mark.gen_test(timeout=60)
async def test_visits_and_queues_read_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    desk = await Desk.of(platform)
    people = await line_up(platform, desk, 3)
    first = await desk.call()
    for action in ("recall", "miss", "return"):
        await desk.move(first["token_id"], action)
    await order(desk)
    await desk.tell(people[1]["registration_no"], "consulted")
    await settle(platform)
    token = await platform.sign_in(platform.residents[0])
    for path in (f"/api/v1/visits?card_id={people[0]['card_id']}", f"/api/v1/visits/{people[0]['visit_id']}"):
        assert (await platform.http.get(path, token=token)).status == 200, path
    assert {"visits", "queue_tokens"} <= {command.get("find") for command in recorder.commands}
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("M3")
@pytest.mark.gen_test(timeout=60)
async def test_examinations_read_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    await hospital(platform)
    who = await patient(platform)
    proposed = await plan(platform, who, await ordered(platform, who, *ALL))
    booked = await book_plan(platform, who, proposed.json["plan_id"])
    assert booked.status == 201, booked.body
    await settle(platform)
    path = f"/api/v1/appointments/{booked.json['appointments'][0]['appointment_id']}/cancellation"
    assert (await platform.http.post(path, token=who["token"])).status == 200
    await settle(platform)
    path = f"/api/v1/examination-orders?card_id={who['card_id']}"
    assert (await platform.http.get(path, token=who["token"])).status == 200
    assert {"examination_orders", "examination_plans"} <= {one.get("find") for one in recorder.commands}
    assert scanned(mongo_client[database_name], recorder.commands) == []


@pytest.mark.feature("N4")
@pytest.mark.gen_test(timeout=60)
async def test_medication_plans_read_no_collection_whole(
    recorder: Recorder, platform: Platform, mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    token, card_id, told = await planned(platform)
    path = f"/api/v1/medication-plans/{told['plan_id']}"
    await settle(platform)
    [shown] = (await platform.http.get(f"/api/v1/medication-plans?card_id={card_id}", token=token)).json[
        "plans"
    ]
    tick = {"at": shown["doses"][0]["at"], "state": "taken"}
    platform.clock.advance(12 * 3600)
    await settle(platform)
    token = await platform.sign_in(platform.residents[0])
    assert (await platform.http.post(f"{path}/ticks", tick, token=token)).status == 200
    stopped = {"meals": shown["meals"], "is_active": False}
    assert (await platform.http.send("PUT", path, stopped, token=token)).status == 200
    await settle(platform)
    assert {"medication_plans", "reminders"} <= {one.get("find") for one in recorder.commands}
    assert scanned(mongo_client[database_name], recorder.commands) == []


def test_a_query_without_an_index_is_found(
    mongo_client: MongoClient[dict[str, Any]], database_name: str
) -> None:
    database = mongo_client[database_name]
    database.cards.insert_one({"colour": "green"})
    assert scanned(database, [{"find": "cards", "filter": {"colour": "green"}}]) != []
    assert scanned(database, [{"find": "cards", "filter": {"_id": "x"}}]) == []
