"""SM2 (GB/T 32918): what a provider must offer, and the formats that travel.

    private key   32 bytes, big-endian, 1 … n-2                 64 hex digits in settings
    public key    65 bytes, 04‖x‖y, a point on the curve        130 hex digits on the wire
    signature     64 bytes, r‖s; SM3 with user id 1234567812345678
    ciphertext    C1‖C3‖C2: 65 bytes (04‖x‖y), 32 bytes SM3, as many bytes as the plaintext

A provider turns bytes into key objects once; whoever calls often (a partner's record, the platform's
signer) keeps the object. Key objects may be used by any number of threads at the same time.
Every check of form stands here, so all providers refuse the same things.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

USER_ID = b"1234567812345678"
PRIVATE_BYTES = 32
PUBLIC_BYTES = 65
SIGNATURE_BYTES = 64
MAX_PLAIN_BYTES = 255
"""SM2 encryption carries keys, not documents; 255 is what every provider takes."""

# The recommended curve, GB/T 32918.5-2017.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)


class InvalidKey(ValueError):
    """These bytes are no SM2 key: wrong length or prefix, off the curve, or out of range."""


class DecryptionFailed(Exception):
    """The ciphertext was not made for this key, or was altered. Which of the two is never said."""

    def __init__(self) -> None:
        super().__init__("the SM2 ciphertext cannot be decrypted")


@dataclass(frozen=True)
class KeyPair:
    """`private` 32 bytes, left out of the repr; `public` 65 bytes."""

    private: bytes = field(repr=False)
    public: bytes


class Sm2PublicKey(Protocol):
    """A parsed public key."""

    @property
    def raw(self) -> bytes:
        """65 bytes, 04‖x‖y."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """False for anything but a good 64-byte r‖s over this message; never raises (GB/T 32918.2 7)."""

    def encrypt(self, plain: bytes) -> bytes:
        """C1‖C3‖C2, 97 bytes longer than `plain`, different each time (GB/T 32918.4 6).

        ValueError unless `plain` has 1 … 255 bytes.
        """


class Sm2PrivateKey(Protocol):
    """A parsed private key."""

    @property
    def public(self) -> Sm2PublicKey:
        """The public half; `.public.raw` is what is given to others."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes r‖s with a fresh nonce: the same message gives another signature (GB/T 32918.2 6)."""

    def decrypt(self, cipher: bytes) -> bytes:
        """The plaintext; DecryptionFailed if C1 or C3 do not fit (GB/T 32918.4 7)."""


class Sm2Provider(Protocol):
    """Where SM2 is computed. It keeps no keys; every method may be called from several threads."""

    @property
    def name(self) -> str:
        """As in the settings, and in the log at start-up."""

    def generate_key_pair(self) -> KeyPair:
        """A new key from the operating system's random numbers."""

    def public_key(self, raw: bytes) -> Sm2PublicKey:
        """InvalidKey if `raw` is not 04‖x‖y of a point on the curve. About 0.1 ms: keep the object."""

    def private_key(self, raw: bytes) -> Sm2PrivateKey:
        """InvalidKey if `raw` is not 32 bytes in 1 … n-2. Computes the public half: keep the object."""


class CipherParts(NamedTuple):
    """One ciphertext taken apart: `x` and `y` of C1, then C3 and C2."""

    x: int
    y: int
    c3: bytes
    c2: bytes


def random_private_key() -> bytes:
    """32 bytes, uniform in 1 … n-2 (GB/T 32918.1 6.1)."""
    return (1 + secrets.randbelow(N - 2)).to_bytes(PRIVATE_BYTES, "big")


def parse_public_key_hex(text: str) -> bytes:
    """65 bytes from exactly 130 hex digits of either case; InvalidKey for anything else."""
    return require_public_key(_unhex(text, PUBLIC_BYTES))


def parse_private_key_hex(text: str) -> bytes:
    """32 bytes from exactly 64 hex digits of either case; InvalidKey for anything else."""
    return require_private_key(_unhex(text, PRIVATE_BYTES))


def require_public_key(raw: bytes) -> bytes:
    """`raw` itself, once it is known to be a point on the curve; InvalidKey otherwise."""
    if len(raw) != PUBLIC_BYTES or raw[0] != 4:
        raise InvalidKey("an SM2 public key is 65 bytes beginning with 04")
    if not is_on_curve(int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")):
        raise InvalidKey("the SM2 public key is not a point on the curve")
    return raw


def require_private_key(raw: bytes) -> bytes:
    """`raw` itself, once it is known to be in range; InvalidKey otherwise. n-1 cannot sign."""
    if len(raw) != PRIVATE_BYTES or not 1 <= int.from_bytes(raw, "big") <= N - 2:
        raise InvalidKey("an SM2 private key is 32 bytes between 1 and n-2")
    return raw


def is_signature_shaped(signature: bytes) -> bool:
    """Whether it is 64 bytes with r and s in 1 … n-1: only then may a provider look at it.

    Together with the fixed length this leaves one spelling for each signature.
    """
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return 0 < r < N and 0 < s < N


def is_on_curve(x: int, y: int) -> bool:
    """Both coordinates below p, and y² = x³ + ax + b. The curve's cofactor is 1: no other check is due."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x + A) * x - B) % P == 0


def require_plain(plain: bytes) -> bytes:
    """`plain` itself if SM2 may encrypt it; ValueError outside 1 … 255 bytes."""
    if not 1 <= len(plain) <= MAX_PLAIN_BYTES:
        raise ValueError(f"SM2 encrypts 1 to {MAX_PLAIN_BYTES} bytes, not {len(plain)}")
    return plain


def split_cipher(cipher: bytes) -> CipherParts:
    """The parts, with C1 known to be on the curve (a point elsewhere would leak the private key).

    DecryptionFailed otherwise.
    """
    c2_bytes = len(cipher) - PUBLIC_BYTES - 32
    if not 1 <= c2_bytes <= MAX_PLAIN_BYTES or cipher[0] != 4:
        raise DecryptionFailed
    x, y = int.from_bytes(cipher[1:33], "big"), int.from_bytes(cipher[33:65], "big")
    if not is_on_curve(x, y):
        raise DecryptionFailed
    return CipherParts(x, y, cipher[65:97], cipher[97:])


def join_cipher(parts: CipherParts) -> bytes:
    """C1‖C3‖C2, the way back from `split_cipher`."""
    return b"\x04" + parts.x.to_bytes(32, "big") + parts.y.to_bytes(32, "big") + parts.c3 + parts.c2


def _unhex(text: str, length: int) -> bytes:
    # bytes.fromhex alone would also take blanks between the digits.
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{length * 2}}}", text):
        raise InvalidKey(f"expected {length * 2} hex digits")
    return bytes.fromhex(text)
