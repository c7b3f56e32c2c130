"""The two texts that are signed for others to believe: a centre's certificate, and its answer.  Pure.

Both are JSON made once; the text that was signed is the text that travels, so nobody makes it anew.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.core.clock import iso
from server.core.crypto.hashes import sm3_hex
from server.core.crypto.sm2 import InvalidKey, parse_public_key_hex
from server.core.errors import Conflict, EhcError, Forbidden, InvalidInput, NotFound
from server.federation.model import Certificate, Question
from server.verification.foreign import ForeignAnswer, ForeignHolder
from server.verification.model import Verification

VERIFIED = "verified"
CERTIFICATE, STATEMENT = b"EHC-CERTIFICATE-1\n", b"EHC-ANSWER-1\n"
"""Before the text when it is signed: a signature over one kind is none over the other, nor over a call."""

KINDS: dict[str, type[EhcError]] = {
    kind.__name__: kind for kind in (InvalidInput, Conflict, Forbidden, NotFound)
}
# Which scenes give what beyond name and masked document (B1.6-4): who opens a record needs to reach and to
# tell apart, who takes money only needs to know whose it is.
IDENTIFYING = frozenset({"010101", "0101011", "0101012", "0101013", "0101014"})
GIVEN = ("name", "id_type", "id_no_masked", "gender", "phone_masked", "id_no", "phone")
MAX_MESSAGE = 200


class Unreadable(Exception):
    """Not a text of this kind, or one about something else."""


@dataclass(frozen=True)
class Refusal:
    """The issuing centre's refusal, in its words."""

    code: str
    kind: type[EhcError]
    message: str


def certificate_text(certificate: Certificate) -> str:
    return json.dumps(
        {
            "centre_id": certificate.centre_id,
            "key_id": certificate.key_id,
            "public_key": certificate.public_key.hex(),
            "not_after": iso(certificate.not_after),
        }
    )


def read_certificate(text: str) -> Certificate:
    """Unreadable for anything that `certificate_text` does not make."""
    try:
        plain = json.loads(text)
        certificate = Certificate(
            centre_id=str(plain["centre_id"]),
            key_id=str(plain["key_id"]),
            public_key=parse_public_key_hex(plain["public_key"]),
            not_after=datetime.fromisoformat(plain["not_after"]),
        )
    except (ValueError, KeyError, TypeError, InvalidKey, RecursionError):
        raise Unreadable("not a certificate") from None
    if certificate.not_after.tzinfo is None or certificate_text(certificate) != text:
        raise Unreadable("not a certificate as we write it")
    return certificate


def _binding(question: Question, issuer: str) -> dict[str, str]:
    """What ties an answer to one scan: the code, where and for what it was read, who asked, and when."""
    return {
        "issuer": issuer,
        "asked_by": question.asked_by,
        "code_digest": sm3_hex(question.code.encode()),
        "scene": question.scene,
        "terminal_id": question.terminal_id,
        "request": question.request,
    }


def statement_of(question: Question, issuer: str, verification: Verification) -> str:
    """The answer to a code that was accepted: only what the scene needs."""
    said = {
        "verification_id": verification.verification_id,
        "verified_at": iso(verification.verified_at),
        "is_dynamic": verification.is_dynamic,
        "card": {"card_id": verification.card_id, "status": str(verification.card_status)},
        "person_id": verification.person_id,
        "person": _person(question, verification),
    }
    return _text(question, issuer, VERIFIED, said)


def statement_of_refusal(question: Question, issuer: str, refusal: EhcError) -> str:
    said = {"kind": type(refusal).__name__, "message": refusal.message[:MAX_MESSAGE]}
    return _text(question, issuer, refusal.code, said)


def _text(question: Question, issuer: str, outcome: str, said: dict[str, Any]) -> str:
    return json.dumps({**_binding(question, issuer), "outcome": outcome, **said}, ensure_ascii=False)


def _person(question: Question, verification: Verification) -> dict[str, str | None]:
    holder = verification.holder
    given: dict[str, str | None] = {
        "name": holder.name,
        "id_type": holder.id_type,
        "id_no_masked": holder.id_no_masked,
    }
    if question.scene not in IDENTIFYING:
        return given
    given |= {
        "gender": holder.gender,
        "born_on": holder.born_on.isoformat() if holder.born_on else None,
        "phone_masked": holder.phone_masked,
    }
    if question.wants_full and verification.is_dynamic:
        given |= {"id_no": holder.id_no, "phone": holder.phone}
    return given


def read_statement(text: str, question: Question, issuer: str) -> ForeignAnswer | Refusal:
    """What it says, if it is about this very question; else Unreadable."""
    try:
        plain = json.loads(text)
        for name, value in _binding(question, issuer).items():
            if plain[name] != value:
                raise Unreadable(f"the answer has another {name}")
        if plain["outcome"] != VERIFIED:
            kind = KINDS[plain["kind"]]
            return Refusal(_code(plain["outcome"]), kind, str(plain["message"])[:MAX_MESSAGE])
        person = dict(plain["person"])
        born_on = person.pop("born_on", None)
        return ForeignAnswer(
            verification_id=_word(plain["verification_id"]),
            verified_at=datetime.fromisoformat(plain["verified_at"]),
            is_dynamic=plain["is_dynamic"] is True,
            card_id=_word(plain["card"]["card_id"]),
            card_status=_word(plain["card"]["status"]),
            person_id=_word(plain["person_id"]),
            holder=ForeignHolder(
                **{name: _word(person[name]) for name in GIVEN if person.get(name) is not None},
                born_on=date.fromisoformat(born_on) if born_on else None,
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable("not an answer") from None


def _word(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise ValueError("not a short text")
    return value


def _code(value: object) -> str:
    noun, dot, reason = _word(value).partition(".")
    if not (dot and noun.isidentifier() and reason.isidentifier() and value == str(value).lower()):
        raise ValueError("not a code")
    return f"{noun}.{reason}"
