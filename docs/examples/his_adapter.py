"""A small hospital system that answers docs/his-contract.md: what stands before your HIS, in one file.

    ehc partners keypair > platform-key.json
    ehc partners keypair > hospital-key.json
    python docs/examples/his_adapter.py --platform platform-key.json --key hospital-key.json --port 9000
    ehc his-conformance http://127.0.0.1:9000 --key platform-key.json --hospital-key 04…

It keeps its places in SQLite (--database FILE), so nothing is forgotten when it stops.  Of the first file it
reads the public key only.  Needs Python 3.11 and gmssl-pyx.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote_plus, urlsplit

import gmssl_pyx

CITY = timezone(timedelta(hours=8))
WINDOW_S, NONCE_KEPT_S, MAX_BODY = 300, 900, 1_000_000
DEPARTMENT = {"department_id": "D1", "name": "全科门诊", "place": "1 层", "kinds": ["clinic"]}
DOCTOR = {"doctor_id": "D1-1", "department_id": "D1", "name": "白芷兰", "title": "主治医师"}
CAPACITY, DAYS = 3, 14
TABLES = """
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, until REAL);
CREATE TABLE IF NOT EXISTS files (document TEXT PRIMARY KEY, number TEXT);
CREATE TABLE IF NOT EXISTS locks (lock_id TEXT PRIMARY KEY, slot_id TEXT, schedule_id TEXT, document TEXT,
    expires_at REAL, state TEXT, registration_no TEXT UNIQUE, hospital_patient_no TEXT, token_no TEXT);
"""


class Refused(Exception):
    """A code of the contract: nothing was done."""


# -- 1. the database: one writer at a time, so what is looked at and what is written fit together
class Hospital:
    def __init__(self, file: str) -> None:
        self._file = file
        with closing(sqlite3.connect(file)) as database:
            database.executescript(TABLES)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._file, timeout=4, isolation_level=None)
        database.row_factory = sqlite3.Row
        try:
            database.execute("BEGIN IMMEDIATE")
            # A lock ends by itself; whoever looks next writes it down.
            over = "UPDATE locks SET state = 'expired' WHERE state = 'locked' AND expires_at <= ?"
            database.execute(over, [time.time()])
            yield database
            database.execute("COMMIT")
        finally:
            database.close()  # what was not committed is undone

    def is_new(self, nonce: str) -> bool:
        now = time.time()
        with self.writing() as database:
            database.execute("DELETE FROM nonces WHERE until < ?", [now])
            insert = "INSERT OR IGNORE INTO nonces VALUES (?, ?)"
            return database.execute(insert, [nonce, now + NONCE_KEPT_S]).rowcount == 1


# -- 2. what there is: one doctor, every day, half-hour slots from 8 to 18 o'clock
def slots_of(on: date) -> list[dict[str, Any]]:
    start = datetime(on.year, on.month, on.day, 8, tzinfo=CITY)
    found = []
    for step in range(20):
        at = start + timedelta(minutes=30 * step)
        slot = {
            "slot_id": f"S{at:%Y%m%d-%H%M}",
            "starts_at": iso(at),
            "ends_at": iso(at + timedelta(minutes=30)),
        }
        found.append({**slot, "capacity": CAPACITY, "fee_fen": 0})
    return found


def find_slot(slot_id: str) -> tuple[date, dict[str, Any]]:
    try:
        on = datetime.strptime(slot_id[1:9], "%Y%m%d").date()
    except ValueError:
        raise Refused("slot.unknown") from None
    for slot in slots_of(on):
        if slot["slot_id"] == slot_id:
            return on, slot
    raise Refused("slot.unknown")


def is_open(on: date, slot: dict[str, Any]) -> bool:
    today = datetime.now(CITY).date()
    return today <= on < today + timedelta(days=DAYS) and moment(slot["starts_at"]) > time.time()


def free(database: sqlite3.Connection, on: date, slot: dict[str, Any]) -> int:
    taken = "SELECT count(*) FROM locks WHERE slot_id = ? AND state IN ('locked', 'confirmed')"
    left = slot["capacity"] - int(database.execute(taken, [slot["slot_id"]]).fetchone()[0])
    return left if is_open(on, slot) else 0


def schedules(database: sqlite3.Connection, asked: dict[str, str]) -> dict[str, Any]:
    require_department(asked)
    try:
        first, last = date.fromisoformat(asked["from_on"]), date.fromisoformat(asked["to_on"])
    except (KeyError, ValueError):
        raise Refused("request.refused") from None
    if not 0 <= (last - first).days < 31:
        raise Refused("request.refused")
    days = (
        [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if asked.get("kind") == "clinic"
        else []
    )
    return {"schedules": [schedule(database, on) for on in days]}


def schedule(database: sqlite3.Connection, on: date) -> dict[str, Any]:
    return {
        "schedule_id": f"S{on:%Y%m%d}",
        "kind": "clinic",
        "department_id": DEPARTMENT["department_id"],
        "department": DEPARTMENT["name"],
        "doctor_id": DOCTOR["doctor_id"],
        "doctor": DOCTOR["name"],
        "item": None,
        "place": DEPARTMENT["place"],
        "on": on.isoformat(),
        "is_cancelled": False,
        "released_at": None,
        "slots": [{**slot, "free": free(database, on, slot)} for slot in slots_of(on)],
    }


def require_department(asked: dict[str, str]) -> None:
    if asked.get("department_id") != DEPARTMENT["department_id"]:
        raise Refused("department.unknown")


# -- 3. locks
def find(database: sqlite3.Connection, lock_id: str) -> Any:
    return database.execute("SELECT * FROM locks WHERE lock_id = ?", [lock_id]).fetchone()


def shown(lock_id: str, row: Any) -> dict[str, Any]:
    names = ("slot_id", "registration_no", "hospital_patient_no")
    if row is None:
        return {"lock_id": lock_id, "state": "unknown", "expires_at": None, **dict.fromkeys(names)}
    state = "released" if row["state"] == "expired" else row["state"]
    expires_at = None if row["expires_at"] is None else iso(datetime.fromtimestamp(row["expires_at"], UTC))
    return {
        "lock_id": lock_id,
        "state": state,
        "expires_at": expires_at,
        **{name: row[name] for name in names},
    }


def require_not_over(row: Any) -> None:
    if row["state"] in ("expired", "released"):
        raise Refused("lock.expired" if row["state"] == "expired" else "lock.released")


def lock(database: sqlite3.Connection, body: dict[str, Any]) -> dict[str, Any]:
    lock_id, slot_id, document = text(body, "lock_id"), text(body, "slot_id"), document_of(body)
    try:
        expires_at = moment(text(body, "expires_at"))
    except ValueError:
        raise Refused("request.refused") from None
    known = find(database, lock_id)
    if known is not None:
        require_not_over(known)
        if (known["slot_id"], known["document"]) != (slot_id, document):
            raise Refused("lock.differs")
        return shown(lock_id, known)
    if expires_at <= time.time():
        raise Refused("lock.expired")
    on, slot = find_slot(slot_id)
    if not is_open(on, slot):
        raise Refused("slot.closed")
    has_one = (
        "SELECT 1 FROM locks WHERE schedule_id = ? AND document = ? AND state IN ('locked', 'confirmed')"
    )
    if database.execute(has_one, [f"S{on:%Y%m%d}", document]).fetchone():
        raise Refused("slot.person_has_one")
    if free(database, on, slot) < 1:
        raise Refused("slot.full")
    row = (lock_id, slot_id, f"S{on:%Y%m%d}", document, expires_at, "locked", None, None, None)
    database.execute("INSERT INTO locks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return shown(lock_id, find(database, lock_id))


def confirm(database: sqlite3.Connection, lock_id: str) -> dict[str, Any]:
    row = find(database, lock_id)
    if row is None:
        raise Refused("lock.unknown")
    require_not_over(row)
    if row["state"] == "locked":
        count = database.execute("SELECT count(*) FROM locks WHERE registration_no IS NOT NULL").fetchone()[0]
        numbers = (f"R{count + 1:08d}", patient_file(database, row["document"]), lock_id)
        change = "state = 'confirmed', registration_no = ?, hospital_patient_no = ?"
        database.execute(f"UPDATE locks SET {change} WHERE lock_id = ?", numbers)
    return shown(lock_id, find(database, lock_id))


def release(database: sqlite3.Connection, lock_id: str) -> dict[str, Any]:
    row = find(database, lock_id)
    if row is None:  # it may still be on its way: remember that nobody waits for it
        database.execute("INSERT INTO locks (lock_id, state) VALUES (?, 'released')", [lock_id])
    elif row["token_no"] is not None:
        raise Refused("lock.used")
    else:
        database.execute("UPDATE locks SET state = 'released' WHERE lock_id = ?", [lock_id])
    return shown(lock_id, find(database, lock_id))


# -- 4. patients and visits
def patient_file(database: sqlite3.Connection, document: str) -> str:
    count = database.execute("SELECT count(*) FROM files").fetchone()[0]
    database.execute("INSERT OR IGNORE INTO files VALUES (?, ?)", [document, f"P{count + 1:08d}"])
    return str(database.execute("SELECT number FROM files WHERE document = ?", [document]).fetchone()[0])


def registration(database: sqlite3.Connection, number: str) -> Any:
    row = database.execute("SELECT * FROM locks WHERE registration_no = ?", [number]).fetchone()
    if row is None:
        raise Refused("registration.unknown")
    return row


def check_in(database: sqlite3.Connection, body: dict[str, Any]) -> dict[str, Any]:
    row = registration(database, text(body, "registration_no"))
    if row["state"] != "confirmed":
        raise Refused("registration.cancelled")
    if row["schedule_id"] != f"S{datetime.now(CITY):%Y%m%d}":
        raise Refused("registration.not_now")
    if row["token_no"] is None:
        came = "SELECT count(*) FROM locks WHERE schedule_id = ? AND token_no IS NOT NULL"
        number = f"A{database.execute(came, [row['schedule_id']]).fetchone()[0] + 1:03d}"
        database.execute("UPDATE locks SET token_no = ? WHERE lock_id = ?", [number, row["lock_id"]])
        row = find(database, row["lock_id"])
    return ticket(database, row["schedule_id"], row["token_no"])


def ticket(database: sqlite3.Connection, queue_id: str, token_no: str) -> dict[str, Any]:
    waiting = "SELECT token_no FROM locks WHERE schedule_id = ? AND token_no IS NOT NULL ORDER BY token_no"
    tokens = [row["token_no"] for row in database.execute(waiting, [queue_id])]
    if token_no not in tokens:
        raise Refused("ticket.unknown")
    ahead = tokens.index(token_no)  # a real queue also calls; yours knows how far it is
    place = {"position": ahead + 1, "ahead": ahead, "place": DEPARTMENT["place"]}
    return {"queue_id": queue_id, "token_no": token_no, "state": "waiting", **place}


def nothing_of(database: sqlite3.Connection, body: dict[str, Any], name: str) -> dict[str, Any]:
    """Orders, bills and reports of somebody we know; this hospital writes none."""
    if "registration_no" in body:
        registration(database, text(body, "registration_no"))
    else:
        number = text(body, "hospital_patient_no")
        if database.execute("SELECT 1 FROM files WHERE number = ?", [number]).fetchone() is None:
            raise Refused("patient.unknown")
    return {name: []}


# -- 5. which call it is
def answer(database: sqlite3.Connection, method: str, path: str, query: str, raw: bytes) -> dict[str, Any]:
    parts = path.removeprefix("/his/v1/").split("/")
    body = read_body(raw) if method == "POST" else {}
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    simple: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
        ("GET", "departments"): lambda: {"departments": [DEPARTMENT]},
        ("GET", "schedules"): lambda: schedules(database, asked),
        ("POST", "locks"): lambda: lock(database, body),
        ("POST", "check-ins"): lambda: check_in(database, body),
        ("POST", "patients"): lambda: {"hospital_patient_no": patient_file(database, document_of(body))},
    }
    match (method, *parts):
        case (_, _) if (method, parts[0]) in simple:
            return simple[method, parts[0]]()
        case ("GET", "doctors"):
            require_department(asked)
            return {"doctors": [DOCTOR]}
        case ("GET", "locks", lock_id):
            return shown(lock_id, find(database, lock_id))
        case ("POST", "locks", lock_id, "confirmation"):
            return confirm(database, lock_id)
        case ("POST", "locks", lock_id, "release"):
            return release(database, lock_id)
        case ("GET", "queues", queue_id, "tickets", token_no):
            return ticket(database, queue_id, token_no)
        case ("POST", "orders" | "bills" | "reports" as name, "query"):
            return nothing_of(database, body, name)
    raise Refused("request.refused")


def read_body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refused("request.refused") from None
    if not isinstance(body, dict):
        raise Refused("request.refused")
    return body


def text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused("request.refused")
    return value


def document_of(body: dict[str, Any]) -> str:
    patient = body.get("patient")
    if not isinstance(patient, dict):
        raise Refused("request.refused")
    return f"{text(patient, 'id_type')}|{text(patient, 'id_no').upper()}"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# -- 6. both signatures
def sm3_hex(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = [
        f"{quote(unquote_plus(n), safe='-._~')}={quote(unquote_plus(v), safe='-._~')}" for n, _, v in pairs
    ]
    return "&".join(sorted(encoded))


def sm2_sign(private: bytes, public: bytes, message: bytes) -> bytes:
    der = gmssl_pyx.sm2_sign(private, public[1:], message)  # ASN.1; the wire has r and s, 32 bytes each
    end_of_r = 4 + der[3]
    integers = (der[4:end_of_r], der[end_of_r + 2 :])
    return b"".join(int.from_bytes(n, "big").to_bytes(32, "big") for n in integers)


def sm2_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    numbers = [int.from_bytes(half, "big") for half in (signature[:32], signature[32:])]
    parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in numbers]
    content = b"".join(bytes([2, len(part)]) + part for part in parts)
    try:
        return bool(gmssl_pyx.sm2_verify(public[1:], message, bytes([0x30, len(content)]) + content))
    except gmssl_pyx.GmsslInnerError:
        return False


class Adapter(BaseHTTPRequestHandler):
    hospital: Hospital
    centre: str
    platform_key: bytes
    private_key: bytes
    public_key: bytes

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            return
        raw = self.rfile.read(length)
        if not self.is_the_platform(raw):
            self.reply(401, {"error": {"code": "caller.unauthenticated", "message": "not the platform's"}})
            return
        parts = urlsplit(self.path)
        try:
            with self.hospital.writing() as database:
                found = answer(database, self.command, parts.path, parts.query, raw)
            self.reply(200, found)
        except Refused as refused:
            self.reply(409, {"error": {"code": str(refused), "message": "refused"}})

    do_POST = do_GET

    def is_the_platform(self, raw: bytes) -> bool:
        names = ("App-Id", "Key-Id", "Timestamp", "Nonce", "Signature")
        app_id, key_id, timestamp, nonce, signature = (self.headers.get(f"X-{name}", "") for name in names)
        if app_id != self.centre or not re.fullmatch("[0-9]{13}", timestamp):
            return False
        if not re.fullmatch("[0-9a-f]{32}", nonce) or abs(time.time() - int(timestamp) / 1000) > WINDOW_S:
            return False
        parts = urlsplit(self.path)
        query, digest = canonical_query(parts.query), sm3_hex(raw)
        lines = [self.command, parts.path, query, digest, app_id, key_id, timestamp, nonce]
        try:
            signed = base64.b64decode(signature, validate=True)
        except binascii.Error:
            return False
        message = "".join(line + "\n" for line in lines).encode()
        return sm2_verify(self.platform_key, message, signed) and self.hospital.is_new(nonce)

    def reply(self, status: int, content: dict[str, Any]) -> None:
        raw = json.dumps(content, ensure_ascii=False).encode()
        timestamp, nonce = str(time.time_ns() // 1_000_000), self.headers.get("X-Nonce", "")
        message = f"{status}\n{sm3_hex(raw)}\n{timestamp}\n{nonce}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if status != 401:
            signature = sm2_sign(self.private_key, self.public_key, message)
            self.send_header("X-Timestamp", timestamp)
            self.send_header("X-Nonce", nonce)
            self.send_header("X-Signature", base64.b64encode(signature).decode())
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line would hold what was asked."""


def main() -> int:
    parser = argparse.ArgumentParser(description="A small hospital system behind docs/his-contract.md.")
    parser.add_argument("--platform", required=True, help="file with the platform's public_key_hex")
    parser.add_argument("--key", required=True, help="file with our private_key_hex and public_key_hex")
    parser.add_argument("--centre", default="0000A0001", help="the card centre that may call")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--database", default="his.sqlite")
    arguments = parser.parse_args()
    ours = json.loads(Path(arguments.key).read_text())
    Adapter.hospital, Adapter.centre = Hospital(arguments.database), arguments.centre
    Adapter.platform_key = bytes.fromhex(json.loads(Path(arguments.platform).read_text())["public_key_hex"])
    Adapter.private_key = bytes.fromhex(ours["private_key_hex"])
    Adapter.public_key = bytes.fromhex(ours["public_key_hex"])
    with ThreadingHTTPServer(("127.0.0.1", arguments.port), Adapter) as server:
        print(f"ready on http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
