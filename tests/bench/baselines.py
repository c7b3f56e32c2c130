"""The baselines: bare Tornado over the same database, driver and write guarantees.

B1  one indexed find_one
B3  the database operations of a scan, one after another: card, request nonce, usage

B1 with find-and-modify takes a place of a slot too; the raw loop takes places of one document, without HTTP.
"""

import argparse
import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import tornado.web
from motor.motor_tornado import MotorClient

from tests.bench.load import CLIENTS


class OneFind(tornado.web.RequestHandler):
    """B1: the card of the code in the path."""

    def initialize(self, db: Any) -> None:
        self.db = db

    async def get(self, ehealth_card_id: str) -> None:
        card = await self.db.cards.find_one({"ehealth_card_id": ehealth_card_id})
        self.write({"card_id": card["_id"], "status": card["status"]})


class ThreeOperations(tornado.web.RequestHandler):
    """B3: what a scan asks of the database, done the plain way."""

    def initialize(self, db: Any) -> None:
        self.db = db

    async def post(self, ehealth_card_id: str, nonce: str) -> None:
        now = datetime.now(UTC)
        await self.db.bench_nonces.insert_one({"_id": nonce, "expires_at": now + timedelta(minutes=15)})
        card = await self.db.cards.find_one({"ehealth_card_id": ehealth_card_id})
        await self.db.bench_usages.insert_one(
            {"use_key": f"{ehealth_card_id}:{nonce}", "at": now, "card_id": card["_id"], "scene": "010101"}
        )
        self.write({"card_id": card["_id"], "status": card["status"]})


class FindAndModify(tornado.web.RequestHandler):
    """B1 with find-and-modify: the card of the path, and a place of the slot."""

    def initialize(self, db: Any) -> None:
        self.db = db

    async def post(self, ehealth_card_id: str, slot: str) -> None:
        card = await self.db.cards.find_one({"ehealth_card_id": ehealth_card_id})
        taken = await self.db.bench_slots.find_one_and_update(
            {"_id": slot}, {"$inc": {"left": -1}}, upsert=True, return_document=True
        )
        self.write({"card_id": card["_id"], "left": taken["left"]})


class RawLoop(tornado.web.RequestHandler):
    """So many places of one document, taken by as many loops as there are clients; how long it took."""

    def initialize(self, db: Any) -> None:
        self.db = db

    async def get(self, number: str) -> None:
        waiting = iter(range(int(number)))
        await self.db.bench_slots.replace_one({"_id": "one"}, {"left": int(number)}, upsert=True)

        async def take() -> None:
            for _ in waiting:
                taken = await self.db.bench_slots.find_one_and_update(
                    {"_id": "one", "left": {"$gt": 0}}, {"$inc": {"left": -1}}
                )
                assert taken is not None

        started = time.perf_counter()
        await asyncio.gather(*(take() for _ in range(CLIENTS)))
        self.write({"took_s": time.perf_counter() - started})


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    client: Any = MotorClient(os.environ["MONGODB_URI"], w="majority", journal=True, maxPoolSize=64)
    db = client[os.environ["MONGODB_DATABASE"]]
    await db.bench_usages.create_index("use_key", unique=True)
    await db.bench_nonces.create_index("expires_at", expireAfterSeconds=0)
    app = tornado.web.Application(
        [
            (r"/b1/([0-9A-F]+)", OneFind, {"db": db}),
            (r"/b1/([0-9A-F]+)/(\d+)", FindAndModify, {"db": db}),
            (r"/b3/([0-9A-F]+)/(\w+)", ThreeOperations, {"db": db}),
            (r"/raw/(\d+)", RawLoop, {"db": db}),
        ],
        log_function=lambda _: None,
    )
    app.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
