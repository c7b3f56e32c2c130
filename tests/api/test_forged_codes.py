"""Codes and calls nobody made, thousands over HTTP: none opens a card, none breaks anything (QR-5)."""

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from server.verification.throttle import TerminalPolicy
from tests.api.calls import VERIFICATIONS, call
from tests.harness import TERMINAL_ID, Platform

pytestmark = [pytest.mark.feature("V1", "V4"), pytest.mark.gen_test(timeout=120)]

CODES, CALLS, AT_ONCE = 2_000, 300, 32
HEADERS = ("X-App-Id", "X-Key-Id", "X-Timestamp", "X-Nonce", "X-Sign-Type", "X-Signature")
# What HTTP itself lets through in a header's value.
BYTES = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0xFF))]


async def together(works: list[Any]) -> list[Any]:
    done = []
    for at in range(0, len(works), AT_ONCE):
        done += await asyncio.gather(*works[at : at + AT_ONCE])
    return done


async def test_thousands_of_forged_and_neighbour_codes_open_nothing(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.decide(TerminalPolicy, refused=CODES)
    token, card_id = await platform.holder(platform.residents[0])
    good = await platform.code(token, card_id)
    card, _, body, centre = good.split(":")
    client, rng = platform.partner(), random.Random(5)
    session = await client.open_session(TERMINAL_ID)

    async def present(number: int) -> str:
        bits = int(body, 16) ^ (1 << number % 232) if number < 1000 else rng.getrandbits(232)
        reply = await platform.scan(client, f"{card}:0:{bits:058X}:{centre}", session)
        return (reply.error or ("accepted",))[0]

    met = Counter(await together([present(number) for number in range(CODES)]))
    assert met == {"code.forged": CODES}
    assert db.usages.count_documents({}) == 0
    assert (await platform.scan(client, good, session)).status == 200, "the good one was not touched"


async def test_headers_queries_and_bodies_of_any_bytes_are_refused_and_nothing_breaks(
    platform: Platform,
) -> None:
    rng = random.Random(6)

    def noise(most: int) -> str:
        return "".join(rng.choice(BYTES) for _ in range(rng.randrange(1, most)))

    async def send(number: int) -> int:
        raw = (
            rng.randbytes(rng.randrange(0, 400)) if number % 2 else json.dumps({noise(9): noise(99)}).encode()
        )
        sent = call(
            platform, raw, path=VERIFICATIONS, query=noise(40).replace("#", "") if number % 3 == 0 else ""
        )
        headers = sent.headers()
        for name in rng.sample(HEADERS, number % 4):
            headers[name] = noise(120)
        return (await sent.send(platform.http, headers)).status

    met = Counter(await together([send(number) for number in range(CALLS)]))
    assert set(met) <= {400, 401}, met
    assert met[400] and met[401]
