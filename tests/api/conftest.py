"""Fixtures of the API tests."""

from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

Rows = dict[str, Any]


@pytest.fixture
def db(mongo_client: MongoClient[Rows], database_name: str) -> Database[Rows]:
    """The platform's database, seen from behind."""
    return mongo_client[database_name]
