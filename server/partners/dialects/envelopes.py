"""Reading what may be hostile: an object of JSON as both dialects send it.  Pure."""

import json
from typing import Any

from server.core.errors import Malformed

MAX_DEPTH = 8
MAX_PARTS = 10_000


def read_object(raw: bytes | str) -> dict[str, Any]:
    """The object; Malformed `request.not_json` for anything else, for a name that comes twice, for a number
    that is no integer, for more than eight levels (two readers could take such a text for two things), and
    for very many parts: taking them apart would hold up everybody else, and nobody is proven yet."""
    read = _read(raw)
    if not isinstance(read, dict):
        raise _refused()
    return read


def read_rows(raw: bytes | str) -> list[dict[str, Any]]:
    """The same for a list of objects; one object is a list of one."""
    read = _read(raw)
    rows = [read] if isinstance(read, dict) else read
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refused()
    return rows


def _refused() -> Malformed:
    return Malformed("request.not_json", "this is not JSON as the dialect has it, or has a name twice")


def _read(raw: bytes | str) -> Any:
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
        if text.count(",") > MAX_PARTS:
            raise _refused()
        read = json.loads(text, object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number)
        as_json(read).encode("utf-8")  # half a character, written as \\ud800, could not be digested
    except (ValueError, RecursionError):
        raise _refused() from None
    if _depth(read) > MAX_DEPTH:
        raise _refused()
    return read


def as_json(value: Any) -> str:
    """Without spaces, in the order it came in, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name came twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError("not an integer")


def _depth(value: Any) -> int:
    """How many levels of objects and lists; counted with a list of its own, for the text may be deep."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        if not isinstance(one, dict | list):
            continue
        deepest = max(deepest, level)
        inner = one.values() if isinstance(one, dict) else one
        waiting += [(part, level + 1) for part in inner]
    return deepest
