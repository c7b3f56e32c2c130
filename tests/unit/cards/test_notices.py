"""What a resident agreed to is known by its version, and the version by the digest of its text (C1)."""

import hashlib
import json
from pathlib import Path

import pytest

from server.cards.model import CLAIM_NOTICES, require_known_notice
from server.core.errors import InvalidInput

NOTICES = Path(__file__).parents[3] / "miniprogram" / "src" / "text" / "notices.json"


@pytest.mark.feature("C1")
def test_the_digests_are_those_of_the_texts_shown() -> None:
    shown = json.loads(NOTICES.read_text("utf-8"))
    assert set(shown) == {"claim", "family"}
    for notice in shown.values():
        digest = hashlib.new("sm3", notice["text"].encode()).hexdigest()
        assert CLAIM_NOTICES[notice["version"]] == digest


@pytest.mark.feature("C1")
def test_an_unknown_version_is_refused() -> None:
    require_known_notice(None)
    require_known_notice("2026-11")
    with pytest.raises(InvalidInput):
        require_known_notice("2026-10")
