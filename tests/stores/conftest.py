"""A database of one's own for each test, through the product's own door."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from tornado.ioloop import IOLoop

from server.core.mongo import Mongo
from tests.conftest_mongod import RunningMongod


@pytest.fixture
def mongo(io_loop: IOLoop, mongod: RunningMongod, database_name: str) -> Iterator[Mongo]:
    opened = Mongo(mongod.uri, database_name)
    yield opened
    opened.close()


@pytest.fixture
def db(mongo_client: MongoClient[dict[str, Any]], database_name: str) -> Database[dict[str, Any]]:
    """The platform's database, seen from behind."""
    return mongo_client[database_name]
