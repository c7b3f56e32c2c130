"""What travels between centres (docs/federation.md)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from server.core.signing import SignedRequest

ROUTER = "router"
PATH = "/federation/v1/verifications"
BUDGET_S = 3.0
"""From our terminal's request to our answer, whatever happens on the way."""
MAX_ANSWER_BYTES = 32_000


@dataclass(frozen=True)
class Peer:
    """The other end: the router as a centre knows it, or a centre as the router knows it.

    `public_keys`: key id → 65 bytes; while a key is being changed there are two."""

    peer_id: str
    public_keys: dict[str, bytes]


@dataclass(frozen=True)
class ProvenPeer:
    """A call whose signature is proven to be the peer's."""

    peer_id: str
    nonce: str


@dataclass(frozen=True)
class Question:
    """One scan of a code, on its way to the centre that issued it.

    `asked_by` is the centre whose terminal read it; `request` names the scan (64 hex digits): the same again
    gets the same answer.  `hops`: how often it was passed on.  `budget_ms`: how long an answer is awaited.
    """

    code: str
    scene: str
    channel: str
    asked_by: str
    institution_id: str
    institution: str
    terminal_id: str
    place: str
    wants_full: bool
    request: str
    hops: int
    budget_ms: int


@dataclass(frozen=True)
class Signed:
    """A text and the signature over it, base64."""

    text: str
    signature: str


@dataclass(frozen=True)
class Answer:
    """What the issuing centre says.  `outcome` is "verified" or the code of its refusal, for who only counts;
    the signed `statement` says it again, and that alone is believed.  The router adds the `certificate`."""

    outcome: str
    key_id: str
    statement: Signed
    certificate: Signed | None = None


@dataclass(frozen=True)
class Certificate:
    """That this key is this centre's, signed at admission with a key the running router does not have."""

    centre_id: str
    key_id: str
    public_key: bytes
    not_after: datetime


class Prover(Protocol):
    """Proves calls of peers, and signs our replies to them."""

    async def prove(self, request: SignedRequest) -> ProvenPeer: ...

    async def sign_reply(self, peer: ProvenPeer, status: int, body: bytes) -> dict[str, str]: ...


class Answering(Protocol):
    """Who takes a question: a centre answers it, the router passes it on."""

    @property
    def proof(self) -> Prover: ...

    async def answer(self, peer: ProvenPeer, question: Question) -> Answer: ...


def question_to_plain(question: Question) -> dict[str, Any]:
    return dict(question.__dict__)
