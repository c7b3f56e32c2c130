"""Fixtures of the API tests."""

from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

Rows = dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def _no_expiry_by_wall_clock(mongo_client: MongoClient[Rows]) -> None:
    """The held clock may stand in the past, where MongoDB would delete what is not old yet."""
    mongo_client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


@pytest.fixture
def db(mongo_client: MongoClient[Rows], database_name: str) -> Database[Rows]:
    """The platform's database, seen from behind."""
    return mongo_client[database_name]
