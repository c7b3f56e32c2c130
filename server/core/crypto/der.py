"""The DER that C libraries speak for SM2, to and from the raw formats of `sm2` (GB/T 35276 7)."""

from collections.abc import Iterator

from server.core.crypto.sm2 import CipherParts

INTEGER, OCTETS, SEQUENCE = 0x02, 0x04, 0x30


def signature_to_der(signature: bytes) -> bytes:
    """SEQUENCE {r INTEGER, s INTEGER} of 64 bytes r‖s."""
    return _tlv(SEQUENCE, _integer(signature[:32]) + _integer(signature[32:]))


def signature_from_der(der: bytes) -> bytes:
    """64 bytes r‖s of what a library has just signed."""
    r, s = _members(der)
    return _as_32_bytes(r) + _as_32_bytes(s)


def cipher_to_der(parts: CipherParts) -> bytes:
    """SEQUENCE {x INTEGER, y INTEGER, C3 OCTET STRING, C2 OCTET STRING}."""
    x, y = parts.x.to_bytes(32, "big"), parts.y.to_bytes(32, "big")
    return _tlv(SEQUENCE, _integer(x) + _integer(y) + _tlv(OCTETS, parts.c3) + _tlv(OCTETS, parts.c2))


def cipher_from_der(der: bytes) -> CipherParts:
    """The parts of what a library has just encrypted."""
    x, y, c3, c2 = _members(der)
    return CipherParts(int.from_bytes(x, "big"), int.from_bytes(y, "big"), c3, c2)


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _integer(big_endian: bytes) -> bytes:
    digits = big_endian.lstrip(b"\0") or b"\0"
    # A first bit of 1 would read as a negative number.
    return _tlv(INTEGER, b"\0" + digits if digits[0] & 0x80 else digits)


def _as_32_bytes(integer: bytes) -> bytes:
    return int.from_bytes(integer, "big").to_bytes(32, "big")


def _members(der: bytes) -> list[bytes]:
    (sequence,) = _contents(der)
    return list(_contents(sequence))


def _contents(der: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(der):
        length, start = der[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, start = int.from_bytes(der[start : start + octets], "big"), start + octets
        yield der[start : start + length]
        at = start + length
