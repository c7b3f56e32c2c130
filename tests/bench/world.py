"""A database with many cards, and prepared requests: made through the platform's own code."""

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sandbox.partner_client import request_string
from server import app as composition
from server.cards import qrcode
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id
from server.cards.rows import CardRows
from server.core.audit import Actor
from server.core.clock import SystemClock, to_ms
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import Sm2PrivateKey
from server.core.ids import new_id, new_token
from server.core.secrets import Sealer
from server.partners.model import App, Institution, Terminal, TerminalSession
from server.partners.store import PartnerStore
from server.settings import Settings

APP, TERMINAL = "bench-his", "T-BENCH"
KEY_ID = "k1"
TOKENS = 500
BATCH = 1000


@dataclass(frozen=True)
class World:
    """`signed_in`: (token, card_id) of residents with a session."""

    app: composition.App
    cards: Sequence[str]
    session: TerminalSession
    signed_in: Sequence[tuple[str, str]]
    private_key: Sm2PrivateKey

    def scans(self, count: int) -> list[bytes]:
        """Verifications of fresh dynamic codes, signed in a session; good for as long as a code lives."""
        return [self._scan(secrets.choice(self.cards), in_session=True) for _ in range(count)]

    def scans_sm2(self, count: int) -> list[bytes]:
        """The same, each signed with the app's own key."""
        return [self._scan(secrets.choice(self.cards), in_session=False) for _ in range(count)]

    def _scan(self, ehealth_card_id: str, *, in_session: bool) -> bytes:
        now = SystemClock().now()
        seals = self.app.seals
        kid = seals.current_code_kid()
        code = qrcode.dynamic_text(ehealth_card_id, self.app.settings.centre_id, kid, now, seals.mac_for)
        body = json.dumps({"code": code, "scene": "010101", "terminal_id": TERMINAL}).encode()
        path, timestamp, nonce = "/partner/v1/verifications", str(to_ms(now)), secrets.token_hex(16)
        key_id = self.session.session_id if in_session else KEY_ID
        text = request_string("POST", path, "", body, APP, key_id, timestamp, nonce)
        signed = hmac.digest(self.session.key, text, "sm3") if in_session else self.private_key.sign(text)
        signature = base64.b64encode(signed).decode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"X-App-Id: {APP}\r\nX-Key-Id: {key_id}\r\nX-Timestamp: {timestamp}\r\n"
            f"X-Nonce: {nonce}\r\nX-Sign-Type: {'HMAC-SM3' if in_session else 'SM2'}\r\n"
            f"X-Signature: {signature}\r\n"
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


async def build_world(settings: Settings, cards: int, tokens: int = TOKENS) -> World:
    """Cards with sealed holders, a partner with an open terminal session, residents with sessions."""
    app = await composition.build(settings)
    sealer = Sealer(app.seals.current_keys)
    now = SystemClock().now()
    collection, rows_of = app.mongo.collection("cards"), CardRows(sealer)
    numbers: list[str] = []
    signed_in: list[tuple[str, str]] = []
    for start in range(0, cards, BATCH):
        made = [_card(number, now) for number in range(start, min(start + BATCH, cards))]
        numbers += [card.ehealth_card_id for card in made]
        signed_in += [(new_token(), card.card_id) for card in made[: tokens - len(signed_in)]]
        await collection.insert_each(
            [
                {
                    **rows_of.row(card),
                    "document_key": f"document-{start + place}",
                    "person_id": card.person_id,
                }
                for place, card in enumerate(made)
            ]
        )
    for number, (token, _) in enumerate(signed_in):
        await app.mongo.collection("accounts").insert({"_id": f"account-{number}", "logins": [str(number)]})
        await app.mongo.collection("sessions").insert(
            {
                "_id": sealer.token_digest(token),
                "account_id": f"account-{number}",
                "opened_at": now,
                "expires_at": now + timedelta(hours=8),
            }
        )
    pair = choose_provider().generate_key_pair()
    partner = App(
        APP, Institution("bench", "bench"), True, frozenset({"verification"}), {KEY_ID: pair.public}
    )
    terminal = Terminal(TERMINAL, APP, "bench", "0100", True)
    await app.services.partner_register.admit(partner, [terminal], Actor("system", "bench"))
    session = TerminalSession(new_id(now), APP, TERMINAL, secrets.token_bytes(32), now + timedelta(hours=8))
    names = ("apps", "terminals", "partner_sessions", "partner_nonces", "partner_criteria")
    await PartnerStore(*(app.mongo.collection(name) for name in names), sealer).insert_session(session)
    return World(app, numbers, session, signed_in, choose_provider().private_key(pair.private))


def _card(number: int, now: datetime) -> Card:
    holder = Holder("测试", "female", date(1960, 1, 1), "01", f"9901011960{number:08d}", "19900000000")
    tie = Tie(f"account-{number}", "self", now, None)
    return Card(new_id(now), new_ehealth_card_id(), Status.ACTIVE, holder, f"person-{number}", (tie,), now)
