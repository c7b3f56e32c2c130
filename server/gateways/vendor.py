"""Calling a platform through its SDK.

The SDKs are synchronous.  Each use of a vendor has a bounded pool of threads of its own, so that one that
hangs takes neither the loop nor another with it.  The SDKs' own HTTP bounds each read and not the whole call,
so a peer that sends a byte a second would keep a thread for good: instead the loop makes the call and the
thread waits for it.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from server.core.http import MAX_ANSWER_BYTES, PublicOnlyResolver
from server.core.threads import run_in

TIMEOUT_S = 5.0
THREADS = 8
T = TypeVar("T")


class Vendor:
    """A vendor's threads, and the HTTP for an SDK that runs in them.  Made where a loop runs."""

    def __init__(self, name: str, *, public_only: bool) -> None:
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix=name)
        self._loop = asyncio.get_running_loop()
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            resolver=PublicOnlyResolver() if public_only else None,
            max_clients=THREADS,
            max_body_size=MAX_ANSWER_BYTES,
        )

    async def run(self, ask: Callable[[], T]) -> T:
        """What `ask` says, in a thread; TimeoutError after 2 × TIMEOUT_S."""
        async with asyncio.timeout(2 * TIMEOUT_S):
            return await run_in(self._threads, ask)

    def fetch(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> HTTPResponse:
        """The 2xx answer to one request, asked from a thread; OSError for everything else: a redirect, more
        than MAX_ANSWER_BYTES, an answer that is not whole after TIMEOUT_S, an address that is not public."""
        request = HTTPRequest(
            url,
            method=method,
            headers=dict(headers or {}),
            body=body,
            connect_timeout=TIMEOUT_S,
            request_timeout=TIMEOUT_S,
            follow_redirects=False,
            decompress_response=False,
        )
        work = self._fetch(request)
        try:
            # The loop cancels what it still has to do when it ends, so no thread holds up a process's exit.
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * TIMEOUT_S)
        except (HTTPClientError, ValueError, concurrent.futures.CancelledError):
            raise OSError("no usable answer") from None
        except RuntimeError:  # the loop is closed
            work.close()
            raise OSError("no usable answer") from None

    async def _fetch(self, request: HTTPRequest) -> HTTPResponse:
        return await self._client.fetch(request)
