"""A change of the register reaches every process, whatever happens to the poll that carries it."""

import asyncio
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from server.core.errors import Unavailable
from server.core.mongo import Mongo
from server.core.versions import Versions

pytestmark = [pytest.mark.feature("V4"), pytest.mark.gen_test(timeout=20)]


async def test_a_poll_that_fails_in_an_unknown_way_does_not_end_the_watch(
    mongo: Mongo, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = mongo.collection("versions")
    watched, changing = Versions(collection), Versions(mongo.collection("versions"))
    heard = asyncio.Event()
    failures: list[str] = []
    find = collection.find

    async def fails_once(*given: Any, **more: Any) -> Any:
        if not failures:
            failures.append("interrupted")
            raise OperationFailure("interrupted", 11601)
        return await find(*given, **more)

    monkeypatch.setattr(collection, "find", fails_once)
    watched.watch("partners", heard.set)
    watching = asyncio.create_task(watched.run())
    try:
        await changing.bump("partners")
        await asyncio.wait_for(heard.wait(), 5)
    finally:
        watching.cancel()
    assert failures == ["interrupted"]


async def test_a_reload_that_fails_is_tried_again_at_the_next_poll(mongo: Mongo) -> None:
    versions = Versions(mongo.collection("versions"))
    tries: list[int] = []

    async def reload() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise Unavailable("database.unavailable", "not just now")

    versions.reload_on("keys", reload)
    await Versions(mongo.collection("versions")).bump("keys")
    with pytest.raises(Unavailable):
        await versions.poll()
    await versions.poll()
    await versions.poll()
    assert tries == [0, 1]
