"""Tornado's HTTP server with one look a second at all connections instead of two timers for each request.

Whoever sends slowly holds a connection, and a thousand of them all there are (slowloris).  Tornado's own
limits make a timer, a task and some futures for each head and each body: a twentieth of the work of a scan.
"""

import time
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.ioloop import PeriodicCallback

HEAD_S = 75.0
BODY_S = 30.0
LOOK_MS = 1000


class Listener(HTTPServer):
    """Closes a connection when a request's head is not whole HEAD_S after the answer before it, or its body
    BODY_S after its head; at most a second later.  How long an answer may take is the handler's affair."""

    def initialize(
        self, *arguments: Any, monotonic: Callable[[], float] = time.monotonic, **more: Any
    ) -> None:
        super().initialize(*arguments, **more)
        self.conn_params.header_timeout = None
        self._monotonic = monotonic
        self._late_at: dict[Any, float] = {}
        self._looking = PeriodicCallback(self.close_late, LOOK_MS)

    def add_sockets(self, sockets: Any) -> None:
        super().add_sockets(sockets)
        self._looking.start()

    def stop(self) -> None:
        self._looking.stop()
        super().stop()

    def start_request(self, server_conn: Any, request_conn: Any) -> HTTPMessageDelegate:
        self._late_at[server_conn] = self._monotonic() + HEAD_S
        return _Watched(super().start_request(server_conn, request_conn), self, server_conn)

    def on_close(self, server_conn: Any) -> None:
        self._late_at.pop(server_conn, None)
        super().on_close(server_conn)

    def head_has_come(self, server_conn: Any) -> None:
        self._late_at[server_conn] = self._monotonic() + BODY_S

    def all_has_come(self, server_conn: Any) -> None:
        self._late_at.pop(server_conn, None)

    def close_late(self) -> None:
        """Closes whoever is late now."""
        now = self._monotonic()
        for server_conn in [one for one, late_at in self._late_at.items() if late_at <= now]:
            server_conn.stream.close()


class _Watched(HTTPMessageDelegate):
    """Tells the listener how far a request has come, and passes everything on."""

    def __init__(self, delegate: HTTPMessageDelegate, listener: Listener, server_conn: Any) -> None:
        self._delegate = delegate
        self._listener = listener
        self._server_conn = server_conn
        self.data_received = delegate.data_received  # type: ignore[method-assign]
        self.on_connection_close = delegate.on_connection_close  # type: ignore[method-assign]

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        self._listener.head_has_come(self._server_conn)
        return self._delegate.headers_received(start_line, headers)

    def finish(self) -> None:
        self._listener.all_has_come(self._server_conn)
        self._delegate.finish()
