"""A database of one's own for each test, through the product's own door."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from tornado.ioloop import IOLoop

from server.core.mongo import Mongo
from tests.conftest_mongod import RunningMongod


@pytest.fixture(scope="session")
def _no_expiry_by_wall_clock(mongo_client: MongoClient[dict[str, Any]]) -> None:
    """The held clock may stand in the past, where MongoDB would delete what is not old yet."""
    mongo_client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


@pytest.fixture
def mongo(
    io_loop: IOLoop, mongod: RunningMongod, database_name: str, _no_expiry_by_wall_clock: None
) -> Iterator[Mongo]:
    opened = Mongo(mongod.uri, database_name)
    yield opened
    opened.close()
