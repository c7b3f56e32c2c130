"""The `use_key` of a row of `usages`: what makes a use single."""

from server.core.crypto.hashes import sm3_hex


def use_key(ehealth_card_id: str, issued_at_s: int, nonce: str) -> str:
    """What makes a dynamic code single: unique among all uses, and in the order the codes were made."""
    return f"{ehealth_card_id}:{issued_at_s:08X}:{nonce}"


def static_use_key(ehealth_card_id: str, request: str) -> str:
    """A static code may be used again and again, but once by one request."""
    return f"{ehealth_card_id}!{request}"


def active_use_key(ehealth_card_id: str, request_id: str) -> str:
    """An approved request uses the card once."""
    return f"{ehealth_card_id}*{request_id}"


def made_of(key: str) -> tuple[str, int]:
    """(card, when this dynamic code of it was made)."""
    ehealth_card_id, issued, _ = key.split(":")
    return ehealth_card_id, int(issued, 16)


def made_after(ehealth_card_id: str, issued_at_s: int) -> tuple[str, str]:
    """[from, to) of the keys of the card's dynamic codes that were made later."""
    return f"{ehealth_card_id}:{issued_at_s + 1:08X}:", f"{ehealth_card_id};"


def reported_use_key(institution_id: str, event_id: str) -> str:
    """One event of one institution is one use.  Hashed: an event's id is the hospital's affair, and might say
    more than it should."""
    return "reported:" + sm3_hex(f"{institution_id}\n{event_id}".encode())
