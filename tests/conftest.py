"""Fixtures of the whole suite: one mongod a run, an empty database and a fresh platform for each test."""

import functools
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from Cryptodome.PublicKey import RSA
from hypothesis import settings
from pymongo import MongoClient
from tornado.ioloop import IOLoop

from server.core.clock import HeldClock
from tests.conftest_mongod import RunningMongod, database_name, empty_databases, mongo_client, mongod
from tests.federation import Federation, running_federation
from tests.harness import Platform, RsaPairs, running_platform

__all__ = ["database_name", "empty_databases", "mongo_client", "mongod"]

# A machine that others use too may take any time for an example: no test asserts times.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Alipay's SDK tests the primes of each key it reads: half of a platform's start, and a run has two pairs.
RSA.importKey = functools.cache(RSA.importKey)

ALIVE_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Some tests run parts that configure logging, as a command does; the next test finds none of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def rsa_pairs(tmp_path_factory: pytest.TempPathFactory) -> RsaPairs:
    folder: Path = tmp_path_factory.mktemp("rsa")
    return RsaPairs(folder)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(ALIVE_AT)


@pytest.fixture
def platform_changes() -> dict[str, Any]:
    """Settings a test wants otherwise; override this fixture."""
    return {}


@pytest.fixture
def platform(
    io_loop: IOLoop,
    mongod: RunningMongod,
    database_name: str,
    clock: HeldClock,
    rsa_pairs: RsaPairs,
    platform_changes: dict[str, Any],
) -> Iterator[Platform]:
    """A running platform with its sandbox; use it in tests marked `gen_test`."""
    entered = running_platform(mongod.uri, database_name, clock, rsa_pairs, **platform_changes)
    yield io_loop.run_sync(entered.__aenter__, timeout=30)
    io_loop.run_sync(lambda: entered.__aexit__(None, None, None), timeout=30)


@pytest.fixture
def federation(
    io_loop: IOLoop,
    mongod: RunningMongod,
    mongo_client: MongoClient[dict[str, Any]],
    database_name: str,
    clock: HeldClock,
    rsa_pairs: RsaPairs,
    platform_changes: dict[str, Any],
) -> Iterator[Federation]:
    """Two centres and the national router; use it in tests marked `gen_test`."""
    entered = running_federation(
        mongod.uri, database_name, rsa_pairs, mongo_client, clock, **platform_changes
    )
    yield io_loop.run_sync(entered.__aenter__, timeout=30)
    io_loop.run_sync(lambda: entered.__aexit__(None, None, None), timeout=30)
