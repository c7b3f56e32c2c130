"""Public keys as a setting has them."""

from server.core.crypto.sm2 import parse_public_key_hex


def public_keys(text: str) -> dict[str, bytes]:
    """`id:130 hex digits`, with commas → id → 65 bytes."""
    named = (part.partition(":") for part in text.split(",") if part)
    return {key_id: parse_public_key_hex(key) for key_id, _, key in named}
