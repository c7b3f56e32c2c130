"""docs/status.md is true to the letter: what it calls working is proven by a test that exists and says so."""

import re
from pathlib import Path

from tests.rules.code import ROOT

ROW = re.compile(
    r"^\| ([A-Z][A-Z0-9– ]*) \| [^|]+ \| (works|partly|not yet) \|([^|]*)\|([^|]*)\|$", re.MULTILINE
)


def faults(text: str, root: Path) -> list[str]:
    """What the table claims and cannot show."""
    found = []
    for ids, state, proof, missing in ROW.findall(text):
        proof = proof.strip().strip("`")
        if state == "not yet":
            if proof:
                found.append(f"{ids}: not yet, but has a proof")
            continue
        if state == "partly" and not missing.strip():
            found.append(f"{ids}: partly, and does not say what is missing")
        path = root / proof
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path] if path.is_file() else []
        if not proof or not files:
            found.append(f"{ids}: no such test as {proof or 'nothing'}")
            continue
        marked = "".join(file.read_text() for file in files)
        found += [f"{ids}: {proof} does not carry {id}" for id in ids.split() if f'"{id}"' not in marked]
    return found


def test_every_claim_of_the_status_page_is_proven_by_a_test() -> None:
    text = (ROOT / "docs" / "status.md").read_text()
    assert len(ROW.findall(text)) == text.count("\n| ") - 1, "a row that cannot be read proves nothing"
    assert faults(text, ROOT) == []


def test_a_claim_without_its_test_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text('@pytest.mark.feature("V1")')
    good = "| V1 | scan | works | `test_it.py` | |\n"
    assert faults(good, tmp_path) == []
    for bad in (
        good.replace("test_it", "test_other"),
        good.replace("| V1", "| V2"),
        good.replace("works", "partly"),
        good.replace("works", "not yet"),
    ):
        assert faults(bad, tmp_path) != []
