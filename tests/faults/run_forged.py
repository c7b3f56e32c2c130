"""QR-5: codes nobody made, random ones and neighbours of a good one, against the check a scan makes."""

import random
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

from server.cards import qrcode
from server.core.clock import HeldClock
from server.core.crypto.keyring import Keyring
from server.core.crypto.provider import choose_provider
from server.core.errors import InvalidInput
from server.core.keys import Seals
from tests.faults.checkers import Finding
from tests.faults.runs import Outcome, Say

PROCESSES = 2
CENTRE = "0000A0001"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
TOKEN_BITS = 232


def present_forged_codes(seed: int, say: Say, *, number: int) -> Outcome:
    """`number` codes; half of them differ from a good one in one bit of the token."""
    outcome = Outcome("forged and neighbour codes", seed, trials=number)
    started_at = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        shares = [(seed + share, number // PROCESSES) for share in range(PROCESSES)]
        accepted = sum(pool.map(_accepted, *zip(*shares, strict=True)))
    took_s = round(time.monotonic() - started_at, 1)
    outcome.figures |= {"accepted": accepted, "presented_s": took_s}
    problems = [f"{accepted} forged codes were accepted"] if accepted else []
    outcome.findings["QR-5 a forged code opens nothing"] = Finding(number, problems)
    say(f"{number} codes, {accepted} accepted")
    return outcome


def _accepted(seed: int, number: int) -> int:
    """How many of `number` codes pass; AssertionError when a good one does not."""
    rng, keyring = random.Random(seed), Keyring()
    keyring.replace([keyring.make_next("code", NOW, timedelta(0))])
    seals = Seals(keyring, choose_provider(), HeldClock(NOW))
    kid = seals.current_code_kid()
    card = f"{rng.getrandbits(256):064X}"
    good = qrcode.dynamic_text(card, CENTRE, kid, NOW, seals.mac_for)
    assert _passes(seals, good), "a check that refuses everything is no check"
    token = int(good.split(":")[2], 16)
    accepted = 0
    for index in range(number):
        if index % 2:
            body = (int(kid, 16) << TOKEN_BITS - 8) | rng.getrandbits(TOKEN_BITS - 8)
        else:
            body = token ^ (1 << rng.randrange(TOKEN_BITS))
        accepted += _passes(seals, f"{card}:0:{body:058X}:{CENTRE}")
    return accepted


def _passes(seals: Seals, text: str) -> bool:
    try:
        qrcode.require_genuine(qrcode.read_code(text), seals.mac_for, seals.equal)
    except InvalidInput:
        return False
    return True
