"""Bulk matching asks the same questions as a single comparison, and learns what it should (I5)."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from server import person_commands
from server.identity import bulk, bulk_levels, training
from server.identity.documents import number_key, upgrade_15_digits
from server.identity.levels import FIELDS, LEVELS, MISSING, levels
from server.identity.matching import MatchRecord, at_most, traits
from server.identity.training import Pattern
from server.identity.weights import BadWeights, Weights, shipped_weights
from tests.bench.persons import COLUMNS, made_up_rows, write_rows

pytestmark = pytest.mark.feature("I5")

ROWS, SEED = 6000, 77


@pytest.fixture(scope="module")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    write_rows(path, ROWS, SEED)
    return path


@pytest.fixture
def database(rows_file: Path) -> Iterator[bulk.Database]:
    opened = bulk.open_database()
    assert bulk.load(opened, rows_file, lambda _stage, _share: None)
    yield opened
    opened.close()


def record(row: dict[str, str]) -> MatchRecord:
    number = row["id_no"]
    if row["id_type"] == "01" and len(number) == 15:
        number = upgrade_15_digits(number)
    documents = [number_key(row["id_type"], number)] if number else []
    return MatchRecord(
        name=row["name"],
        gender=row["gender"],
        born_on=date.fromisoformat(row["born_on"]) if row["born_on"] else None,
        phone=row["phone"],
        address=row["address"],
        guardian_name=row["guardian_name"],
        guardian_phone=row["guardian_phone"],
        documents=(*documents, *row["cards"].split()),
    )


def test_sql_and_python_say_the_same_of_every_pair(database: bulk.Database) -> None:
    known = {row["row_id"]: traits(record(row)) for row in made_up_rows(ROWS, SEED)}
    pairs = bulk.compare_pairs(database, shipped_weights(), None)
    gammas = ", ".join(f"gamma_{field}" for field in FIELDS)
    compared = database.execute(
        f"SELECT row_id_l, row_id_r, {gammas}, match_weight, {bulk_levels.at_most_sql()} FROM {pairs}"
    ).fetchall()
    assert len(compared) > ROWS / 2
    names = {f: {bulk_levels.gamma(f, level): level for level in (MISSING, *LEVELS[f])} for f in FIELDS}
    seen = set()
    for one, other, *numbers, weight, best in compared:
        in_sql = {field: names[field][number] for field, number in zip(FIELDS, numbers, strict=True)}
        assert in_sql == levels(known[one], known[other]), (one, other)
        assert weight == pytest.approx(shipped_weights().total_bits(in_sql), abs=0.01)
        assert best == at_most(in_sql)[0]
        seen |= set(in_sql.items())
    asked = {(field, level) for field in FIELDS for level in LEVELS[field]}
    assert len(asked - seen) <= 4, f"the made-up rows should show nearly every level: {asked - seen}"


def test_training_finds_its_own_people_and_is_careful(database: bulk.Database) -> None:
    found = bulk.patterns(
        database, bulk.compare_pairs(database, training.flat_weights(), None), labelled=True
    )
    weights = training.train(found, bulk.persons(database, labelled=True), 2, {})
    true = bulk.true_pairs(database)
    judged = training.quality(
        found,
        true,
        lambda p: training.outcome_of(p, weights, weights.same_from_bits, weights.review_from_bits) == "same",
    )
    alone = training.quality(found, true, training.fits_rules_alone)
    assert judged.precision >= 0.999
    assert judged.f1 > alone.f1 + 0.05
    assert 0 < sum(pattern.matches for pattern in found) < true


def test_training_weighs_what_tells_people_apart() -> None:
    agree = dict.fromkeys(FIELDS, MISSING) | {"name": "same", "born_on": "same"}
    differ = dict.fromkeys(FIELDS, MISSING) | {"name": "same", "born_on": "different"}
    weights = training.train([Pattern(agree, 1000, 990), Pattern(differ, 1000, 5)], 1000, 1, {})
    assert weights.bits("born_on", "same") > 3 > -3 > weights.bits("born_on", "different")
    assert weights.total_bits(agree) == pytest.approx(6.6, abs=0.5)  # log2(99)


def command(rows: Path, **more: object) -> argparse.Namespace:
    chosen = {"action": "evaluate", "rows": str(rows), "weights": None, "without_defaults": True, "out": ""}
    chosen["record"] = False
    return argparse.Namespace(**{**chosen, "version": 2, "note": "made up", **more})


def test_the_shipped_weights_beat_splinks_defaults_on_other_people(
    rows_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person_commands.persons(command(rows_file, without_defaults=False)) == 0
    printed = capsys.readouterr()
    said = {line[:36].strip(): line[36:].split() for line in printed.out.splitlines()[1:]}
    ours, theirs = said["ours, merged automatically"], said["Splink defaults, best threshold"]
    assert float(ours[1]) >= 0.998  # a small sample: one wrong pair in a thousand is three pairs
    assert float(ours[3]) > float(theirs[3])
    assert "comparing pairs" in printed.err, "what takes longer than a moment says what it does"


def test_rows_without_labels_label_themselves_by_their_documents(rows_file: Path, tmp_path: Path) -> None:
    unlabelled, out = tmp_path / "unlabelled.csv", tmp_path / "weights.json"
    with rows_file.open(encoding="utf-8") as file, unlabelled.open("w", encoding="utf-8") as kept:
        columns = [column for column in COLUMNS if column != "person"]
        writer = csv.DictWriter(kept, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(csv.DictReader(file))
    assert person_commands.persons(command(unlabelled, action="train", out=str(out))) == 0
    weights = person_commands.weights_of(out)
    assert weights.version == 2
    assert weights.origin["labels"] == "whole document numbers"
    assert weights.table["documents"] == shipped_weights().table["documents"]
    assert weights.bits("name", "same") > weights.bits("name", "different")
    assert person_commands.persons(command(rows_file, weights=str(out), record=True)) == 0
    judged = person_commands.weights_of(out).origin["judged_on"]
    assert judged["rows"] == ROWS
    assert 0.9 < judged["figures"]["ours, merged automatically"]["f1"] < 1
    with pytest.raises(BadWeights, match="--weights"):
        person_commands.persons(command(rows_file, record=True))
    with pytest.raises(bulk.BadRows, match="no column person"):
        person_commands.persons(command(unlabelled))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name\n王三\n", "no column row_id"),
        ("row_id,name\n1,王三\n1,王四\n", "same row_id"),
    ],
)
def test_a_file_that_is_no_list_of_persons_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(bulk.BadRows, match=expected):
        person_commands.persons(command(path))
    with pytest.raises(bulk.BadRows, match="cannot be read"):
        person_commands.persons(command(tmp_path / "none.csv"))


def test_without_the_extra_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, rows_file: Path
) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)
    with pytest.raises(bulk.BulkMissing, match=r"ehealth-card\[bulk\]"):
        person_commands.persons(command(rows_file))


def test_the_shipped_weights_say_where_they_are_from() -> None:
    weights: Weights = shipped_weights()
    assert "seed" in weights.origin["note"]
    assert weights.origin["labels"] == "column person"
    assert json.loads(person_commands.as_text(weights)) == weights.as_json()
