"""Fixtures of the contract tests."""

from typing import Any

import pytest
from pymongo import MongoClient


@pytest.fixture(scope="session")
def no_expiry_by_wall_clock(mongo_client: MongoClient[dict[str, Any]]) -> None:
    """The held clock may stand in the past, where MongoDB would delete what is not old yet."""
    mongo_client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})
