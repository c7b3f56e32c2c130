"""The only door to MongoDB: safe settings, one error vocabulary, a failpoint around every write.

Stores get a `Collection` and nothing else of the driver.  Motor is imported here alone, so that the day it
must go (its successor differs in few places) one file changes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import pymongo
from motor.motor_tornado import MotorClient, MotorClientSession
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from server.core.errors import Unavailable
from server.core.failpoints import failpoint

Document = dict[str, Any]
Filter = Mapping[str, Any]
T = TypeVar("T")

DUPLICATE_KEY = 11000
UNAUTHORIZED = 13
# Not writable just now, interrupted, shutting down, stepping down: another try later is right.
_TRANSIENT_CODES = {6, 7, 24, 89, 91, 133, 134, 189, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436}
_DISK_FULL = 14031
# The driver's own limit starts when one of its threads is free; this one starts when we ask.
ANSWER_TIMEOUT_S = 10
_TRANSIENT = (AutoReconnect, NetworkTimeout, ServerSelectionTimeoutError, ExecutionTimeout, WTimeoutError)


class Duplicate(Exception):
    """A unique index refused the write; `key` is the index's key pattern, never its values."""

    def __init__(self, key: tuple[str, ...] = ()) -> None:
        super().__init__(f"duplicate {','.join(key)}")
        self.key = key


class UnsafeDatabase(Exception):
    """The database would lose acknowledged writes; the message says what to change."""


class BadDatabaseUri(Exception):
    """MONGODB_URI cannot be read; the text never shows it, for it may hold a password."""


class Mongo:
    """One database, with majority and journaled writes."""

    def __init__(self, uri: str, database: str, *, unsafe_writes: bool = False) -> None:
        """`unsafe_writes` (w:1, no journal) exists for the fault harness alone, which must see it lose."""
        self._unsafe = unsafe_writes
        write: dict[str, Any] = (
            {"w": 1, "journal": False} if unsafe_writes else {"w": "majority", "journal": True}
        )
        try:
            self._client: Any = MotorClient(
                uri,
                tz_aware=True,
                appname="ehc",
                maxPoolSize=64,
                serverSelectionTimeoutMS=3000,
                connectTimeoutMS=3000,
                timeoutMS=8000,
                retryWrites=True,
                retryReads=True,
                **write,
            )
        except (ConfigurationError, ValueError):  # InvalidURI is one of the first
            raise BadDatabaseUri(
                "MONGODB_URI is not the address of a MongoDB: mongodb://host:port/…"
            ) from None
        self._db = self._client[database]
        self.database = database

    def collection(self, name: str) -> "Collection":
        return Collection(self._db[name])

    async def ping(self) -> None:
        """Returns when a primary answers; Unavailable when none does."""
        await _guard(self._db.command("ping"))

    async def require_safe(self) -> None:
        """Raises UnsafeDatabase unless this is a replica set (or a router to some) that journals."""
        hello = await _guard(self._db.command("hello"))
        if hello.get("msg") == "isdbgrid":
            return
        if "setName" not in hello:
            raise UnsafeDatabase(
                "MongoDB runs alone, without a replica set: start it with --replSet and initiate it"
            )
        storage = await self._storage_engine()
        if storage is not None and not storage.get("persistent", False):
            raise UnsafeDatabase("MongoDB keeps its data in memory only: use a storage engine that persists")

    async def _storage_engine(self) -> Document | None:
        """None when our database user may not ask, which is as it should be in production."""
        try:
            status = await _guard(self._client.admin.command("serverStatus"))
        except OperationFailure as error:
            if error.code == UNAUTHORIZED:
                return None
            raise
        engine: Document = status.get("storageEngine", {})
        return engine

    async def in_transaction(self, work: Callable[["Transaction"], Awaitable[T]]) -> T:
        """The result of `work(transaction)`, committed; retried as a whole when the database says so.

        `work` writes through `transaction.of(collection)`, and may run several times.  Whatever it raises
        undoes all of it.  Only for changes of two documents that must move together.
        """

        async def act(session: MotorClientSession) -> T:
            result = await work(Transaction(session))
            failpoint("transaction.commit.before")
            return result

        async with await self._client.start_session() as session:
            try:
                return await _guard(session.with_transaction(act))
            finally:  # a commit that failed may have been applied
                failpoint("transaction.commit.after")

    def close(self) -> None:
        self._client.close()


class Transaction:
    """Writes that are stored together or not at all: `of` gives a collection that takes part."""

    def __init__(self, session: MotorClientSession) -> None:
        self._session = session

    def of(self, collection: "Collection") -> "Collection":
        """The collection within this transaction, its failpoints kept."""
        return collection.within(self._session)


class Transact(Protocol):
    """`Mongo.in_transaction`."""

    async def __call__(self, work: Callable[[Transaction], Awaitable[T]]) -> T: ...


class Collection:
    """The operations stores may use.  Duplicates raise `Duplicate`; a database that is down, slow or not
    writable raises `Unavailable("database.unavailable")`."""

    def __init__(self, motor: Any, session: MotorClientSession | None = None) -> None:
        self._motor = motor
        self._session = session
        self.name: str = motor.name

    def within(self, session: MotorClientSession) -> "Collection":
        return Collection(self._motor, session)

    async def find_one(self, filter: Filter, projection: Filter | None = None) -> Document | None:
        found: Document | None = await _guard(self._motor.find_one(filter, projection, session=self._session))
        return found

    async def find(
        self,
        filter: Filter,
        *,
        limit: int,
        sort: Sequence[tuple[str, int]] = (),
        projection: Filter | None = None,
        hint: str | None = None,
    ) -> list[Document]:
        """`hint` names the index where the database would plan each part of the filter for itself."""
        cursor = self._motor.find(filter, projection, limit=limit, session=self._session)
        if sort:
            cursor = cursor.sort(list(sort))
        if hint is not None:
            cursor = cursor.hint(hint)
        rows: list[Document] = await _guard(cursor.to_list(limit))
        return rows

    async def each(self, filter: Filter, sort: Sequence[tuple[str, int]] = ()) -> AsyncIterator[Document]:
        """Every row, streamed: for verifiers and exports, never for a request."""
        cursor = self._motor.find(filter)
        if sort:
            cursor = cursor.sort(list(sort))
        try:
            async for row in cursor:
                yield row
        except PyMongoError as error:
            raise _translate(error) from error

    async def aggregate(self, pipeline: Sequence[Filter], *, limit: int) -> list[Document]:
        cursor = self._motor.aggregate(list(pipeline), session=self._session)
        rows: list[Document] = await _guard(cursor.to_list(limit))
        return rows

    async def count(self, filter: Filter) -> int:
        number: int = await _guard(self._motor.count_documents(filter, session=self._session))
        return number

    async def insert(self, row: Document) -> None:
        await self._write("insert", lambda: self._motor.insert_one(row, session=self._session))

    async def insert_each(self, rows: Sequence[Document]) -> list[Duplicate | None]:
        """Inserts what it can, in one command; for each row None, or the Duplicate that kept it out."""
        outcome: list[Duplicate | None] = [None] * len(rows)
        if not rows:
            return outcome
        try:
            await self._write(
                "insert", lambda: self._motor.insert_many(rows, ordered=False, session=self._session)
            )
        except BulkWriteError as error:
            details = error.details or {}
            for problem in details.get("writeErrors", []):
                if problem.get("code") != DUPLICATE_KEY:
                    raise Unavailable("database.unavailable", "the database refused a write") from error
                outcome[problem["index"]] = Duplicate(tuple(problem.get("keyPattern", ())))
            if details.get("writeConcernErrors"):
                raise Unavailable("database.unavailable", "the write was not confirmed") from error
        return outcome

    async def update(
        self, filter: Filter, change: Filter | Sequence[Filter], *, upsert: bool = False
    ) -> bool:
        """True when a row matched (or was upserted)."""
        result = await self._write(
            "update",
            lambda: self._motor.update_one(filter, change, upsert=upsert, session=self._session),
        )
        return bool(result.matched_count or result.upserted_id is not None)

    async def update_all(self, filter: Filter, change: Filter | Sequence[Filter]) -> int:
        result = await self._write(
            "update", lambda: self._motor.update_many(filter, change, session=self._session)
        )
        return int(result.modified_count)

    async def find_and_update(
        self,
        filter: Filter,
        change: Filter | Sequence[Filter],
        *,
        upsert: bool = False,
        before: bool = False,
        sort: Sequence[tuple[str, int]] = (),
    ) -> Document | None:
        """The row as it is after the change (or before it); None when nothing matched."""
        found: Document | None = await self._write(
            "find_and_update",
            lambda: self._motor.find_one_and_update(
                filter,
                change,
                upsert=upsert,
                sort=list(sort) or None,
                return_document=ReturnDocument.BEFORE if before else ReturnDocument.AFTER,
                session=self._session,
            ),
        )
        return found

    async def delete(self, filter: Filter) -> int:
        result = await self._write("delete", lambda: self._motor.delete_many(filter, session=self._session))
        return int(result.deleted_count)

    async def ensure_indexes(self, indexes: Sequence[IndexModel]) -> None:
        if indexes:
            await self._write("create_indexes", lambda: self._motor.create_indexes(list(indexes)))

    async def _write(self, operation: str, start: Callable[[], Awaitable[T]]) -> T:
        """`start` is called, not awaited by the caller: Motor sends a command as soon as it is asked for."""
        failpoint(f"{self.name}.{operation}.before")
        try:
            return await _guard(start())
        finally:  # a write that failed may have been applied, wholly or in part
            failpoint(f"{self.name}.{operation}.after")


def index(
    *keys: str | tuple[str, int],
    unique: bool = False,
    where: Filter | None = None,
    expire_after_s: int | None = None,
) -> IndexModel:
    """An index over `keys`, ascending unless said; `where` makes it partial, `expire_after_s` a TTL."""
    options: dict[str, Any] = {}
    if unique:
        options["unique"] = True
    if where is not None:
        options["partialFilterExpression"] = dict(where)
    if expire_after_s is not None:
        options["expireAfterSeconds"] = expire_after_s
    return IndexModel([k if isinstance(k, tuple) else (k, pymongo.ASCENDING) for k in keys], **options)


async def _guard(awaitable: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await awaitable
    except BulkWriteError:
        raise
    except PyMongoError as error:
        raise _translate(error) from error
    except TimeoutError as error:
        raise Unavailable("database.unavailable", "the database did not answer in time") from error


def _translate(error: PyMongoError) -> Exception:
    if isinstance(error, DuplicateKeyError):
        return Duplicate(tuple((error.details or {}).get("keyPattern", ())))
    if isinstance(error, ConfigurationError):
        return error
    if isinstance(error, _TRANSIENT) or error.timeout:
        return Unavailable("database.unavailable", "the database cannot be reached just now")
    if isinstance(error, OperationFailure) and error.code in {*_TRANSIENT_CODES, _DISK_FULL}:
        return Unavailable("database.unavailable", "the database cannot take writes just now")
    return error
