"""The pure-Python `gmssl` as a second opinion. Never in production: see docs on libraries."""

from gmssl.sm2 import CryptSM2


def pure_python_sm2(public: bytes, private: bytes = b"") -> CryptSM2:
    """Speaks r‖s in hex and C1‖C3‖C2 without the leading 04."""
    peer = CryptSM2(private_key=private.hex(), public_key="", mode=1)
    # Set after construction, because the constructor strips every leading 0 and 4 of a key beginning 04.
    peer.public_key = public[1:].hex()
    assert len(peer.public_key) == 128
    return peer
