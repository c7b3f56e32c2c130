"""SM2 on gmssl-pyx 2.1.0 (GmSSL 3.2 in C): for systems without OpenSSL 3.

Slower, and it holds the interpreter lock. GmSSL writes its source lines (never data) to stderr for each
bad signature and each broken ciphertext; malformed ones are refused before it sees them.
"""

import gmssl_pyx

from server.core.crypto import sm2
from server.core.crypto.der import cipher_from_der, cipher_to_der, signature_from_der, signature_to_der

Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""


class GmsslSm2:
    """The provider."""

    name = "gmssl-pyx"

    def generate_key_pair(self) -> sm2.KeyPair:
        public, private = gmssl_pyx.sm2_key_generate()
        return sm2.KeyPair(private, b"\x04" + public)

    def public_key(self, raw: bytes) -> "GmsslPublicKey":
        return GmsslPublicKey(sm2.require_public_key(raw))

    def private_key(self, raw: bytes) -> "GmsslPrivateKey":
        sm2.require_private_key(raw)
        return GmsslPrivateKey(raw, self.public_key(_public_of(raw)))


class GmsslPublicKey:
    """A public key whose form has been checked; bytes only, so threads may share it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def verify(self, message: bytes, signature: bytes) -> bool:
        if not sm2.is_signature_shaped(signature):
            return False
        return bool(gmssl_pyx.sm2_verify(self.raw[1:], message, signature_to_der(signature), sm2.USER_ID))

    def encrypt(self, plain: bytes) -> bytes:
        return sm2.join_cipher(cipher_from_der(gmssl_pyx.sm2_encrypt(self.raw[1:], sm2.require_plain(plain))))


class GmsslPrivateKey:
    """A private key whose form has been checked; bytes only, so threads may share it."""

    def __init__(self, raw: bytes, public: GmsslPublicKey) -> None:
        self._raw, self.public = raw, public

    def sign(self, message: bytes) -> bytes:
        return signature_from_der(gmssl_pyx.sm2_sign(self._raw, self.public.raw[1:], message, sm2.USER_ID))

    def decrypt(self, cipher: bytes) -> bytes:
        der = cipher_to_der(sm2.split_cipher(cipher))
        try:
            return bytes(gmssl_pyx.sm2_decrypt(self._raw, der))
        except gmssl_pyx.GmsslInnerError:
            raise sm2.DecryptionFailed from None


def _public_of(private: bytes) -> bytes:
    """65 bytes. gmssl-pyx cannot derive a public key, and Python arithmetic on a secret leaks by its timing.

    So the key signs two digests, and the public key is worked out from the signatures, which are public:
    each leaves two candidates, and only the key itself is among both pairs.
    """
    while True:
        first, second = (_signers(private, digest) for digest in (bytes(32), b"\xff" * 32))
        for point in first & second:
            if point is not None:
                return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _signers(private: bytes, digest: bytes) -> set[Point]:
    """The two keys that could have made one signature of `digest`: (r+s)⁻¹ · (±kG - sG), x of kG = r - e."""
    signature = signature_from_der(gmssl_pyx.sm2_sign_sm3_digest(private, digest))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    x = (r - int.from_bytes(digest, "big")) % sm2.N
    # p = 3 mod 4, so this is a square root of y² if there is one. There is none where the true x was above
    # n, once in 2^128; the two signatures then have no key in common and are made again.
    y = pow(x**3 + sm2.A * x + sm2.B, (sm2.P + 1) // 4, sm2.P)
    t_inverse = pow(r + s, -1, sm2.N)
    nonce_part = _times(t_inverse, (x, y))
    base_part = _times(-s * t_inverse % sm2.N, sm2.G)
    return {_plus(base_part, nonce_part), _plus(base_part, _minus(nonce_part))}


def _minus(point: Point) -> Point:
    return point and (point[0], -point[1] % sm2.P)


def _plus(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % sm2.P == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 + sm2.A) * pow(2 * y1, -1, sm2.P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, sm2.P)
    x = (slope * slope - x1 - x2) % sm2.P
    return x, (slope * (x1 - x) - y1) % sm2.P


def _times(scalar: int, point: Point) -> Point:
    result: Point = None
    for bit in bin(scalar)[2:]:
        result = _plus(result, result)
        if bit == "1":
            result = _plus(result, point)
    return result
