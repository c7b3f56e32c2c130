"""Whether a signed answer is its maker's word, and to this very call."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from server.core.clock import Clock, to_ms
from server.core.crypto.sm2 import Sm2Provider, Sm2PublicKey
from server.core.signing import decoded_signature
from server.core.threads import run_in

WINDOW = timedelta(seconds=300)
MAX_KEYS = 1000


class PublicKeys:
    """Checks signatures in a thread; a key is parsed once."""

    def __init__(self, sm2: Sm2Provider, threads: ThreadPoolExecutor) -> None:
        self._sm2 = sm2
        self._threads = threads
        self._parsed: dict[bytes, Sm2PublicKey] = {}

    async def is_signed(self, raw: bytes, text: bytes, signature: str) -> bool:
        """Whether the base64 `signature` over `text` was made with the key whose public half is `raw`."""
        decoded = decoded_signature(signature)
        if decoded is None:
            return False
        key = self._parsed.get(raw)
        if key is None:
            if len(self._parsed) >= MAX_KEYS:
                self._parsed.clear()
            key = self._parsed[raw] = self._sm2.public_key(raw)
        return await run_in(self._threads, partial(key.verify, text, decoded))


def is_in_window(timestamp: str, clock: Clock) -> bool:
    """Whether a reply's timestamp lies within the window of our own clock."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) == 13):
        return False
    return abs(int(timestamp) - to_ms(clock.now())) <= WINDOW.total_seconds() * 1000


def is_reply_to(headers: Mapping[str, str], nonce: str, clock: Clock) -> bool:
    return headers.get("X-Nonce") == nonce and is_in_window(headers.get("X-Timestamp", ""), clock)
