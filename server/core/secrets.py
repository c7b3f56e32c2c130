"""Personal fields: one table says what each is for, and only what is in it can be sealed (S2, A6.3(4)).

A store that wants to keep a personal field adds a line here first, so nobody can add one without saying
what it is for and how it may be shown.  A test reads the database's files and finds none in plain text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.core.crypto.hashes import hmac_sm3
from server.core.crypto.keyring import CurrentKeys
from server.core.crypto.sealing import FieldCipher, search_index
from server.core.masking import mask_id_no, mask_phone


@dataclass(frozen=True)
class PersonalField:
    """`mask` is how it is shown to who has no scope for more; None: it is not shown at all."""

    purpose: str
    mask: Callable[[str], str] | None = None


PERSONAL_FIELDS: Mapping[tuple[str, str], PersonalField] = {
    ("accounts", "phone"): PersonalField("signing in; being reached", mask_phone),
    ("accounts", "wechat_id"): PersonalField("being reached through WeChat: its id of the person"),
    ("accounts", "alipay_id"): PersonalField("being reached through Alipay: its id of the person"),
    ("persons", "particulars"): PersonalField("telling persons apart and reaching them, as one object"),
    ("person_reviews", "said"): PersonalField("what was said of an applicant, as one object"),
    ("person_reviews", "reason"): PersonalField("why staff decided so; may name somebody"),
    ("merges", "reason"): PersonalField("why staff decided so; may name somebody"),
    ("identifiers", "value"): PersonalField("what a hospital calls a person", mask_id_no),
    ("cards", "holder"): PersonalField("what a scan of the card tells the hospital, as one object"),
    ("cards", "proof_numbers"): PersonalField("asking the bank or the card register while a claim waits"),
    ("cards", "review_note"): PersonalField("telling a claimant why a reviewer decided so"),
    ("attachments", "picture"): PersonalField("showing a reviewer the papers of a claim"),
    ("cards", "pin"): PersonalField("not personal, but secret: what a PIN is compared with"),
    ("admissions", "contact"): PersonalField("who answers for an institution that asks to be admitted"),
    ("admission_documents", "content"): PersonalField("papers of an application, which name people"),
    ("partner_sessions", "key"): PersonalField("not personal, but as secret: a terminal's session key"),
    ("partner_dialects", "app_secret"): PersonalField(
        "not personal, but as secret: what a dialect is proven by"
    ),
    ("staff", "login_name"): PersonalField("signing in to the card centre's pages"),
    ("staff", "display_name"): PersonalField("saying who of the card centre it is"),
    ("staff", "credentials"): PersonalField("not personal, but as secret: password hash, second factor"),
    ("security_events", "note"): PersonalField("what the centre found; may tell of people"),
    ("messages", "content"): PersonalField("what a message tells of somebody's care, as one object"),
    ("medication_plans", "drugs"): PersonalField("what somebody takes, as one object"),
    ("idempotency", "answer"): PersonalField("repeating an answer, which may hold any of the above"),
}


class Sealer:
    """Seals, opens and indexes personal fields with the keyring's keys."""

    def __init__(self, keys: CurrentKeys) -> None:
        self._keys = keys
        self._cipher = FieldCipher(keys)

    def seal(self, collection: str, id: str, field: str, text: str) -> bytes:
        _require_declared(collection, field)
        return self._cipher.seal(collection, id, field, text)

    def unseal(self, collection: str, id: str, field: str, blob: bytes) -> str:
        return self._cipher.unseal(collection, id, field, blob)

    def seal_json(self, collection: str, id: str, field: str, value: Mapping[str, Any]) -> bytes:
        _require_declared(collection, field)
        return self._cipher.seal_json(collection, id, field, value)

    def unseal_json(self, collection: str, id: str, field: str, blob: bytes) -> dict[str, Any]:
        return self._cipher.unseal_json(collection, id, field, blob)

    def index(self, kind: str, value: str) -> str:
        """The keyed search index of a value ("document", "phone", "login"): equal for equal values, and
        of no use to somebody who has the database and not the key."""
        purpose = f"index:{kind}"
        return search_index(self._keys.by_version(purpose, 1), purpose, value)

    def fingerprint(self, content: bytes) -> str:
        """Equal for equal bytes; says nothing about them without the key."""
        return hmac_sm3(self._keys.by_version("fingerprint", 1), content).hex()

    def pseudonym(self, receiver: str, kind: str, id: str) -> str:
        """What another system may call somebody: 32 hex digits, the same for the same id, and others for
        every receiver, so that two of them cannot put together what they know."""
        key = self._keys.by_version("pseudonym", 1)
        return hmac_sm3(key, f"{receiver}|{kind}|{id}".encode())[:16].hex()

    def token_digest(self, token: str) -> str:
        """What is kept of a session token: enough to find it again, not to use it."""
        return hmac_sm3(self._keys.by_version("session", 1), token.encode()).hex()

    def sms_digest(self, request_id: str, code: str) -> str:
        """What is kept of a six-digit code, bound to the request it answers."""
        return hmac_sm3(self._keys.by_version("sms-code", 1), f"{request_id}|{code}".encode()).hex()


def _require_declared(collection: str, field: str) -> None:
    if (collection, field) not in PERSONAL_FIELDS:
        raise ValueError(f"{collection}.{field} is not in the table of personal fields")
