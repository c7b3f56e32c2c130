"""Fixtures of the API tests."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pymongo import MongoClient
from pymongo.database import Database

Rows = dict[str, Any]


@pytest.fixture
def db(mongo_client: MongoClient[Rows], database_name: str) -> Database[Rows]:
    """The platform's database, seen from behind."""
    return mongo_client[database_name]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Every line the platform and its libraries log, as text."""
    lines: list[str] = []

    def keep(_: Any, __: str, event: Any) -> Any:
        lines.append(json.dumps(event, default=str, ensure_ascii=False))
        return event

    before = structlog.get_config()
    structlog.configure(processors=[keep, *before["processors"]])
    caplog.set_level(logging.DEBUG)
    try:
        yield lines
        lines += [f"{record.name} {record.getMessage()}" for record in caplog.records]
    finally:
        structlog.configure(**before)
