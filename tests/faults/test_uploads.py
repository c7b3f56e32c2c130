"""The check of uploads finds what it looks for: a sound upload with one thing spoilt."""

from typing import Any

import pytest

from tests.faults.run_uploads import counted_once

pytestmark = [pytest.mark.faults, pytest.mark.feature("U1")]


def sound() -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """Two uses, sent in two turns; the second turn sent the first use again."""
    batches = [
        {"fence": 1, "accepted": 1, "duplicates": 0},
        {"fence": 2, "accepted": 1, "duplicates": 1},
    ]
    sent = {"upload": {"sent": True}}
    return [{"_id": "a", **sent}, {"_id": "b", **sent}], {
        "uses": [{"use_id": "a"}, {"use_id": "b"}],
        "batches": batches,
    }


def test_a_sound_upload_is_sound() -> None:
    assert counted_once(*sound(), counted=2).problems == []
    assert counted_once(*sound(), counted=3).problems == ["3 were counted here, 2 are stored"]


def test_what_is_lost_doubled_strange_late_or_unmarked_is_found() -> None:
    for spoil, said in (
        (lambda ours, above: above["uses"].pop(), "b never went up"),
        (lambda ours, above: above["uses"].append({"use_id": "a"}), "a is above 2 times"),
        (lambda ours, above: above["uses"].append({"use_id": "x"}), "x is nobody's here"),
        (lambda ours, above: above["batches"][1].update(accepted=2), "3 were counted above, 2 are stored"),
        (
            lambda ours, above: above["batches"].reverse(),
            "an older turn's batch was taken after a newer one's",
        ),
        (lambda ours, above: ours[0].update(upload={"due": True}), "a still waits"),
    ):
        ours, above = sound()
        spoil(ours, above)
        assert said in counted_once(ours, above, counted=2).problems, said
