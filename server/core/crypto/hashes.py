"""SM3 (GB/T 32905-2016), HMAC-SM3, and comparison that takes the same time wherever two values differ."""

import hashlib
import hmac
from functools import cache, lru_cache
from typing import Any

DIGEST_BYTES = 32


def sm3(data: bytes) -> bytes:
    """32 bytes. ValueError if this Python's OpenSSL was built without SM3; `choose_provider` tries that."""
    digest = _sm3_begun().copy()
    digest.update(data)
    return bytes(digest.digest())


def sm3_hex(data: bytes) -> str:
    """64 lower-case hex digits, the form used in strings to sign."""
    return sm3(data).hex()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """32 bytes, RFC 2104 over SM3 with its block of 64 bytes; a longer key is hashed first."""
    digest = _hmac_begun(key).copy()
    digest.update(data)
    return bytes(digest.digest())


def equal_in_constant_time(one: bytes, other: bytes) -> bool:
    """Whether both are the same; the time taken says nothing about where they differ, only about length."""
    return hmac.compare_digest(one, other)


# OpenSSL looks an algorithm up by name each time it is asked for one, which takes longer than the hash of a
# request.  A copy of one that has begun does not; a scan makes seven of them.
@cache
def _sm3_begun() -> Any:
    return hashlib.new("sm3")


@lru_cache(maxsize=1024)  # the platform's few keys, and those of terminals with a session
def _hmac_begun(key: bytes) -> Any:
    return hmac.new(key, digestmod="sm3")
