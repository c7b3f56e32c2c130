"""One database server for the whole run, one empty database for each test that asks.

`EHC_TEST_MONGODB_URI` names a replica set to use instead of the embedded one.
"""

import itertools
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

from server.app.indexes import INDEXES
from server.core.mongod import EmbeddedMongod

MEMORY_DISK = Path("/dev/shm")
MEMORY_DISK_NEEDED_BYTES = 2 * 2**30

# A held clock may stand in the past, where the TTL monitor would delete what is not old yet; and the files
# of a dropped collection stay open through the snapshot window.
FOR_TESTS = {"setParameter": 1, "ttlMonitorEnabled": False, "minSnapshotHistoryWindowInSeconds": 0}
INDEX_NAMES = {
    collection: {"_id_", *(index.document["name"] for index in indexes)}
    for collection, indexes in INDEXES.items()
}


class EmptyDatabases:
    """Three databases that tests take in turn, emptied, with the platform's indexes they already have.

    A new database for each test is three hundred new files: more work than most tests, and so many open
    files that the server ends.  In turn, because a test that failed may still be writing into the last one.
    """

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self._client = client
        self._prefix = f"t_{uuid.uuid4().hex[:12]}"
        self._turns = itertools.cycle("012")

    def take(self) -> str:
        """The name of an empty database; those whose names begin with it and `_` are empty too."""
        name = f"{self._prefix}_{next(self._turns)}"
        for each in self._of(name):
            self._empty(each)
        return name

    def drop(self) -> None:
        for name in self._of(self._prefix):
            self._client.drop_database(name)

    def _of(self, prefix: str) -> list[str]:
        wanted = {"name": {"$regex": f"^{prefix}(_|$)"}}
        found = self._client.admin.command("listDatabases", nameOnly=True, filter=wanted)
        return [row["name"] for row in found["databases"]]

    def _empty(self, name: str) -> None:
        database = self._client[name]
        for collection in database.list_collection_names():
            if set(database[collection].index_information()) == INDEX_NAMES.get(collection):
                database[collection].delete_many({})
            else:
                database.drop_collection(collection)


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


@pytest.fixture(scope="session")
def empty_databases(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[EmptyDatabases]:
    databases = EmptyDatabases(mongo_client)
    yield databases
    databases.drop()


@pytest.fixture
def database_name(empty_databases: EmptyDatabases) -> str:
    return empty_databases.take()
