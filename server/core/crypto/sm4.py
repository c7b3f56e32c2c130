"""SM4-GCM (GB/T 32907-2016, GB/T 36624-2018, parameters of RFC 8998)."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBroken(Exception):
    """Sealed bytes that were altered, cut, moved to another place, or sealed with another key."""


def seal(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """nonce (12) ‖ ciphertext ‖ tag (16): 28 bytes longer than `plain`, different each time.

    `bound_to` is authenticated, not kept. Nonces are random, so one key must seal fewer than 2^32 times.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound_to)
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What was sealed with this key and the same `bound_to`; SealBroken otherwise."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("sealed bytes are too short")
    nonce, cipher, tag = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(bound_to)
    plain = decryptor.update(cipher)
    try:
        return plain + decryptor.finalize()
    except InvalidTag:
        raise SealBroken("sealed bytes do not open with this key at this place") from None
