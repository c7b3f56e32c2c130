"""The sandbox hospital and the platform's client of it, in this process."""

from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.his import His, running_his


@pytest.fixture
def his(io_loop: IOLoop) -> Iterator[His]:
    """A running hospital; use it in tests marked `gen_test`."""
    running = running_his()
    yield io_loop.run_sync(running.__aenter__)
    io_loop.run_sync(lambda: running.__aexit__(None, None, None))
