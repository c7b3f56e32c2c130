"""A database with many cards, and prepared requests: made through the platform's own code."""

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.partner_client import request_string
from server import app as composition
from server.cards import qrcode
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id
from server.cards.store import CardStore
from server.core.audit import Actor
from server.core.clock import SystemClock, to_ms
from server.core.crypto.provider import choose_provider
from server.core.ids import new_id
from server.core.secrets import Sealer
from server.partners.model import App, Institution, Terminal, TerminalSession
from server.partners.store import PartnerStore
from server.settings import Settings

APP, TERMINAL = "bench-his", "T-BENCH"
TOKENS = 500


@dataclass(frozen=True)
class World:
    """`signed_in`: (token, card_id) of residents with a session."""

    app: composition.App
    cards: Sequence[str]
    session: TerminalSession
    signed_in: Sequence[tuple[str, str]]

    def scans(self, count: int) -> list[bytes]:
        """Signed verifications of fresh dynamic codes; good for as long as a code lives."""
        return [self._scan(secrets.choice(self.cards)) for _ in range(count)]

    def _scan(self, ehealth_card_id: str) -> bytes:
        now = SystemClock().now()
        seals = self.app.seals
        kid = seals.current_code_kid()
        code = qrcode.dynamic_text(ehealth_card_id, self.app.settings.centre_id, kid, now, seals.mac_for)
        body = json.dumps({"code": code, "scene": "010101", "terminal_id": TERMINAL}).encode()
        path, timestamp, nonce = "/partner/v1/verifications", str(to_ms(now)), secrets.token_hex(16)
        text = request_string("POST", path, "", body, APP, self.session.session_id, timestamp, nonce)
        signature = base64.b64encode(hmac.digest(self.session.key, text, "sm3")).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"X-App-Id: {APP}\r\nX-Key-Id: {self.session.session_id}\r\nX-Timestamp: {timestamp}\r\n"
            f"X-Nonce: {nonce}\r\nX-Sign-Type: HMAC-SM3\r\nX-Signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def codes_shown(self, count: int) -> list[bytes]:
        picked = [secrets.choice(self.signed_in) for _ in range(count)]
        return [
            f"GET /api/v1/cards/{card_id}/code?kind=dynamic HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
            for token, card_id in picked
        ]

    def one_find(self, count: int) -> list[bytes]:
        return [
            f"GET /b1/{secrets.choice(self.cards)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
            for _ in range(count)
        ]

    def three_operations(self, count: int) -> list[bytes]:
        return [
            f"POST /b3/{secrets.choice(self.cards)}/{secrets.token_hex(16)} HTTP/1.1\r\n"
            "Host: bench\r\nContent-Length: 0\r\n\r\n".encode()
            for _ in range(count)
        ]


async def build_world(settings: Settings, cards: int) -> World:
    """Cards with sealed holders, a partner with an open terminal session, residents with sessions."""
    app = await composition.build(settings)
    sealer = Sealer(app.seals.current_keys)
    now = SystemClock().now()
    store = CardStore(app.mongo.collection("cards"), sealer)
    numbers, signed_in = [], []
    for number in range(cards):
        holder = Holder("测试", "female", date(1960, 1, 1), "01", f"9901011960{number:08d}", "19900000000")
        tie = Tie(f"account-{number}", "self", now, None)
        card = Card(
            new_id(now), new_ehealth_card_id(), Status.ACTIVE, holder, f"person-{number}", (tie,), now
        )
        await store.insert(card, f"document-{number}", now)
        numbers.append(card.ehealth_card_id)
        if number < TOKENS:
            token = secrets.token_urlsafe(32)
            await app.mongo.collection("accounts").insert({"_id": tie.account_id, "logins": [str(number)]})
            await app.mongo.collection("sessions").insert(
                {
                    "_id": sealer.token_digest(token),
                    "account_id": tie.account_id,
                    "opened_at": now,
                    "expires_at": now + timedelta(hours=8),
                }
            )
            signed_in.append((token, card.card_id))
    await app.mongo.collection("cards").update_all({}, [{"$set": {"person_id": "$_id"}}])
    partner = App(
        APP,
        Institution("bench", "bench"),
        True,
        frozenset({"verification"}),
        {"k1": choose_provider().generate_key_pair().public},
    )
    terminal = Terminal(TERMINAL, APP, "bench", "0100", True)
    await app.services.partner_register.admit(partner, [terminal], Actor("system", "bench"))
    session = TerminalSession(new_id(now), APP, TERMINAL, secrets.token_bytes(32), now + timedelta(hours=8))
    names = ("apps", "terminals", "partner_sessions", "partner_nonces", "partner_criteria")
    await PartnerStore(*(app.mongo.collection(name) for name in names), sealer).insert_session(session)
    return World(app, numbers, session, signed_in)
