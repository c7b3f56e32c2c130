"""A database of one's own for each test, through the product's own door."""

from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from server.core.mongo import Mongo
from tests.conftest_mongod import RunningMongod


@pytest.fixture
def mongo(io_loop: IOLoop, mongod: RunningMongod, database_name: str) -> Iterator[Mongo]:
    opened = Mongo(mongod.uri, database_name)
    yield opened
    opened.close()
