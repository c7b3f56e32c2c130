"""Made-up people for the person index, and short ways to register them."""

from datetime import UTC, date, datetime
from typing import Any

from server.core.audit import Actor
from server.identity.documents import Document, read_document
from server.identity.model import Contact, Evidence, Origin, Particulars, Registration
from tests.harness import Platform

TODAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOSPITAL = Actor("app", "hospital-a-his")
CONFIRMED = (Evidence("authority", "serial-1", AT),)
MAKER, CHECKER = Actor("staff", "maker"), Actor("staff", "checker")


def identity_card(serial: int, born_on: date = date(1980, 5, 17), region: str = "990101") -> Document:
    """A resident identity card of nobody; an odd serial is a man's."""
    first_17 = f"{region}{born_on:%Y%m%d}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first_17, weights, strict=True))
    return read_document("01", first_17 + "10X98765432"[total % 11], TODAY, allows_test_numbers=True)


def passport(number: str, born_on: date = date(1980, 5, 17), gender: str = "male") -> Document:
    return read_document("03", number, TODAY, allows_test_numbers=True, born_on=born_on, gender=gender)


def said(name: str, document: Document, **contact: Any) -> Particulars:
    return Particulars(name, document, Contact(**contact))


async def register(
    platform: Platform,
    particulars: Particulars,
    evidence: tuple[Evidence, ...] = (),
    channel: str = "batch",
    by: Actor = HOSPITAL,
) -> Registration:
    services = platform.app.services
    return await services.identity.register(particulars, evidence, Origin(channel, by))


async def person_id_of(platform: Platform, particulars: Particulars, **more: Any) -> str:
    """The person that must come of it."""
    registered = await register(platform, particulars, **more)
    assert registered.person is not None, registered
    return registered.person.person_id
