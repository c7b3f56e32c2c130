"""The register of apps and terminals: what an admission may not do."""

from typing import Any

import pytest
from pymongo import MongoClient

from server.core.audit import Actor
from server.core.errors import Conflict, Unavailable
from server.partners.model import App, Institution, Terminal
from server.partners.store import PartnerStore
from tests.harness import APP_ID, PAIR, TERMINAL_ID, Platform

OTHER = "hospital-b-his"


def rows(mongo_client: MongoClient[Any], database_name: str) -> tuple[list[str], list[str], int]:
    """(the other app, its terminals, audited admissions of it)"""
    db = mongo_client[database_name]
    return (
        [row["_id"] for row in db.apps.find({"_id": OTHER})],
        [row["_id"] for row in db.terminals.find({"app_id": OTHER})],
        db.audit.count_documents({"action": "apps.admit", "object.id": OTHER}),
    )


async def admit_other(platform: Platform, *terminal_ids: str) -> None:
    app = App(OTHER, Institution("b", "B"), True, frozenset({"verification"}), {"k1": PAIR.public})
    terminals = [Terminal(id, OTHER, "place", "0100", True) for id in terminal_ids]
    await platform.app.services.partner_register.admit(app, terminals, Actor("system", "test"))


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_a_terminal_stays_with_its_app(platform: Platform) -> None:
    with pytest.raises(Conflict) as refused:
        await platform.admit(app_id="hospital-b-his", terminal_id=TERMINAL_ID)
    assert refused.value.code == "terminal.taken"
    session = await platform.partner(APP_ID).open_session(TERMINAL_ID)
    assert session.session_id


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_admitting_an_app_again_changes_nothing_for_its_terminals(platform: Platform) -> None:
    await platform.admit()
    session = await platform.partner().open_session(TERMINAL_ID)
    assert session.session_id


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_a_refused_admission_leaves_nothing(
    platform: Platform, mongo_client: MongoClient[Any], database_name: str
) -> None:
    with pytest.raises(Conflict):
        await admit_other(platform, "T-B1", TERMINAL_ID)
    assert rows(mongo_client, database_name) == ([], [], 0)
    await admit_other(platform, "T-B1", "T-B2")
    assert rows(mongo_client, database_name) == ([OTHER], ["T-B1", "T-B2"], 1)


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_an_app_whose_terminal_is_taken_meanwhile_is_not_admitted(
    platform: Platform, mongo_client: MongoClient[Any], database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(self: PartnerStore, terminal_id: str) -> None:
        return None

    monkeypatch.setattr(PartnerStore, "find_terminal", not_yet)
    with pytest.raises(Conflict) as refused:
        await admit_other(platform, TERMINAL_ID)
    assert refused.value.code == "terminal.taken"
    apps, terminals, _ = rows(mongo_client, database_name)
    assert (apps, terminals) == ([], [])


@pytest.mark.feature("V4", "S1")
@pytest.mark.gen_test(timeout=30)
async def test_no_app_is_admitted_without_a_record(
    platform: Platform, mongo_client: MongoClient[Any], database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any, **__: Any) -> None:
        raise Unavailable("database.unavailable", "down")

    monkeypatch.setattr(platform.app.services.partners._audit, "record", down)
    with pytest.raises(Unavailable):
        await admit_other(platform, "T-B1")
    assert rows(mongo_client, database_name) == ([], [], 0)
