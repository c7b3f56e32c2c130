"""SM3 (GB/T 32905-2016), HMAC-SM3, and comparison that takes the same time wherever two values differ."""

import hashlib
import hmac

DIGEST_BYTES = 32


def sm3(data: bytes) -> bytes:
    """32 bytes. ValueError if this Python's OpenSSL was built without SM3; `choose_provider` tries that."""
    return hashlib.new("sm3", data).digest()


def sm3_hex(data: bytes) -> str:
    """64 lower-case hex digits, the form used in strings to sign."""
    return sm3(data).hex()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """32 bytes, RFC 2104 over SM3 with its block of 64 bytes; a longer key is hashed first."""
    return hmac.digest(key, data, "sm3")


def equal_in_constant_time(one: bytes, other: bytes) -> bool:
    """Whether both are the same; the time taken says nothing about where they differ, only about length."""
    return hmac.compare_digest(one, other)
