"""P: a scan the ordinary way, FastAPI on uvicorn (uvloop, httptools) with MongoDB's own async client.

It does what a careful team would do first: the same checks of signature, nonce, code, single use and card
state, the same sealed holder and the same signed answer, each database operation awaited where it stands.  It
keeps no audit chain, asks no policies, counts and logs nothing.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError

from server import app as composition
from server import settings as settings_module
from server.cards import qrcode
from server.cards.model import Holder
from server.core.crypto.hashes import equal_in_constant_time
from server.core.errors import EhcError
from server.core.ids import new_id
from server.core.observability import configure_logging
from server.core.secrets import Sealer
from server.partners.model import TerminalSession

SKEW, REFRESH = timedelta(seconds=5), timedelta(seconds=300)
WINDOW_MS = 300_000


class Scan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str
    scene: str
    terminal_id: str
    channel: str | None = None
    department: str | None = None


class Scanning:
    """The one route's work; sessions are kept in memory once read, as both platforms do."""

    def __init__(self, db: Any, app: composition.App) -> None:
        self._db = db
        self._seals = app.seals
        self._sealer = Sealer(app.seals.current_keys)
        self._find_session = app.services.partners._store.find_session
        self._sessions: dict[str, TerminalSession] = {}

    async def verify(self, request: Request, headers: dict[str, str]) -> Response:
        raw = await request.body()
        session = await self._session(headers["key_id"])
        await self._require_signed(session, headers, raw)
        scan = Scan.model_validate_json(raw)
        now = datetime.now(UTC)
        try:
            code = qrcode.read_code(scan.code)
            qrcode.require_genuine(
                code, self._seals.mac_for, lambda a, b: equal_in_constant_time(a.encode(), b.encode())
            )
            assert code.token is not None
            qrcode.require_live(code.token, now, REFRESH, SKEW)
        except EhcError as refusal:
            raise HTTPException(422, refusal.code) from None
        card = await self._db.cards.find_one({"ehealth_card_id": code.ehealth_card_id})
        if card is None or card["status"] != "active":
            raise HTTPException(409, "card.inactive")
        use_key = f"{code.ehealth_card_id}:{code.token.issued_at_s:08X}:{code.token.nonce}"
        of_card = {"$gte": f"{code.ehealth_card_id}:", "$lt": f"{code.ehealth_card_id};"}
        newest = await self._db.ordinary_usages.find_one({"use_key": of_card}, sort=[("use_key", -1)])
        if newest is not None and int(newest["use_key"].split(":")[1], 16) > code.token.issued_at_s:
            raise HTTPException(409, "code.superseded")
        verification_id = new_id(now)
        usage = {"_id": verification_id, "use_key": use_key, "at": now, "card_id": card["_id"]}
        usage |= {"person_id": card["person_id"], "app_id": session.app_id, **scan.model_dump()}
        try:
            await self._db.ordinary_usages.insert_one(usage)
        except DuplicateKeyError:
            raise HTTPException(409, "code.already_used") from None
        plain = self._sealer.unseal_json("cards", card["_id"], "holder", card["holder"])
        holder = Holder.from_plain(plain)
        body = {
            "verification_id": verification_id,
            "card": {"card_id": card["_id"], "status": card["status"]},
            "person": {
                "person_id": card["person_id"],
                "name": holder.name,
                "gender": holder.gender,
                "id_type": holder.id_type,
                "id_no_masked": holder.id_no_masked,
                "phone_masked": holder.phone_masked,
            },
            "is_dynamic": True,
            "verified_at": now.isoformat(),
        }
        return self._signed(session, headers["nonce"], json.dumps(body, ensure_ascii=False).encode())

    async def _session(self, session_id: str) -> TerminalSession:
        known = self._sessions.get(session_id) or await self._find_session(session_id)
        if known is None:
            raise HTTPException(401)
        self._sessions[session_id] = known
        return known

    async def _require_signed(self, session: TerminalSession, headers: dict[str, str], raw: bytes) -> None:
        if abs(int(headers["timestamp"]) - time.time() * 1000) > WINDOW_MS:
            raise HTTPException(401)
        digest = hashlib.new("sm3", raw).hexdigest()
        named = (headers[name] for name in ("app_id", "key_id", "timestamp", "nonce"))
        text = "".join(f"{line}\n" for line in ("POST", "/partner/v1/verifications", "", digest, *named))
        expected = hmac.digest(session.key, text.encode(), "sm3")
        if not hmac.compare_digest(expected, base64.b64decode(headers["signature"])):
            raise HTTPException(401)
        row = {"_id": headers["nonce"], "expires_at": datetime.now(UTC) + timedelta(minutes=15)}
        try:
            await self._db.ordinary_nonces.insert_one(row)
        except DuplicateKeyError:
            raise HTTPException(401) from None

    def _signed(self, session: TerminalSession, nonce: str, body: bytes) -> Response:
        timestamp = str(round(time.time() * 1000))
        text = f"200\n{hashlib.new('sm3', body).hexdigest()}\n{timestamp}\n{nonce}\n"
        signature = base64.b64encode(hmac.digest(session.key, text.encode(), "sm3")).decode()
        proof = {"X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
        return Response(body, media_type="application/json", headers=proof)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    configure_logging("error")
    platform = await composition.build(settings_module.load())
    client: Any = AsyncMongoClient(os.environ["MONGODB_URI"], w="majority", journal=True, maxPoolSize=64)
    db = client[os.environ["MONGODB_DATABASE"]]
    await db.ordinary_usages.create_index("use_key", unique=True)
    await db.ordinary_nonces.create_index("expires_at", expireAfterSeconds=0)
    scanning = Scanning(db, platform)
    api = FastAPI()

    @api.post("/partner/v1/verifications")
    async def verify(
        request: Request,
        x_app_id: Annotated[str, Header()],
        x_key_id: Annotated[str, Header()],
        x_timestamp: Annotated[str, Header()],
        x_nonce: Annotated[str, Header()],
        x_signature: Annotated[str, Header()],
    ) -> Response:
        headers = {"app_id": x_app_id, "key_id": x_key_id, "timestamp": x_timestamp}
        return await scanning.verify(request, {**headers, "nonce": x_nonce, "signature": x_signature})

    config = uvicorn.Config(api, port=port, http="httptools", access_log=False, log_level="error")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
