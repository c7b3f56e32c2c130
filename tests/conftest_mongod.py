"""One database server for the whole run, one fresh database name for each test that asks.

`EHC_TEST_MONGODB_URI` names a replica set to use instead of the embedded one.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from server.core.mongod import EmbeddedMongod

MEMORY_DISK = Path("/dev/shm")
MEMORY_DISK_NEEDED_BYTES = 2 * 2**30

# A held clock may stand in the past, where the TTL monitor would delete what is not old yet; and the files
# of a dropped database stay open through the snapshot window, until some hundred tests have used them up.
FOR_TESTS = {"setParameter": 1, "ttlMonitorEnabled": False, "minSnapshotHistoryWindowInSeconds": 0}


@dataclass(frozen=True)
class RunningMongod:
    """A MongoDB that accepts writes at `uri`; `embedded` is None when it is not ours to stop."""

    uri: str
    embedded: EmbeddedMongod | None = None


def scratch_root() -> str | None:
    """The parent of directories that only this run needs: in memory where there is room, else the default."""
    is_roomy = MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free >= MEMORY_DISK_NEEDED_BYTES
    return str(MEMORY_DISK) if is_roomy and os.access(MEMORY_DISK, os.W_OK) else None


@pytest.fixture(scope="session")
def mongod() -> Iterator[RunningMongod]:
    given = os.environ.get("EHC_TEST_MONGODB_URI")
    if given:
        yield RunningMongod(given)
        return
    with (
        tempfile.TemporaryDirectory(prefix="ehc-test-", dir=scratch_root()) as directory,
        EmbeddedMongod(directory) as embedded,
    ):
        yield RunningMongod(embedded.uri, embedded)


@pytest.fixture(scope="session")
def mongo_client(mongod: RunningMongod) -> Iterator[MongoClient[dict[str, Any]]]:
    """A synchronous client, for preparing and looking behind the platform's back."""
    with MongoClient[dict[str, Any]](mongod.uri, tz_aware=True, uuidRepresentation="standard") as client:
        if mongod.embedded is not None:
            client.admin.command(FOR_TESTS)
        yield client


@pytest.fixture
def database_name(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    yield name
    mongo_client.drop_database(name)
