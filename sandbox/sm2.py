"""SM2 as the partner API carries it, raw r‖s and C1‖C3‖C2, over gmssl-pyx, which speaks DER."""

import gmssl_pyx

# The curve of GB/T 32918.5: p and the base point. The coefficient a is p − 3.
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_Point = tuple[int, int] | None


def public_key_of(private_key: bytes) -> bytes:
    """The 64-byte public key x‖y of a 32-byte private key.

    Its time tells about the key, which is no matter here: the sandbox's keys are no secret.
    """
    scalar, point, total = int.from_bytes(private_key, "big"), _G, None
    addend: _Point = point
    while scalar:
        if scalar & 1:
            total = _add(total, addend)
        addend = _add(addend, addend)
        scalar >>= 1
    if total is None:
        raise ValueError("not a private key")
    return total[0].to_bytes(32, "big") + total[1].to_bytes(32, "big")


def sign(private_key: bytes, public_key: bytes, message: bytes) -> bytes:
    """The 64-byte signature r‖s with SM3 and the user id 1234567812345678 (GB/T 32918.2)."""
    integers, _ = _read(gmssl_pyx.sm2_sign(private_key, public_key, message), 0x30)
    r, rest = _read(integers, 0x02)
    s, _ = _read(rest, 0x02)
    return _fixed(r) + _fixed(s)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64-byte signature r‖s is the key's own; False for anything of another length."""
    if len(signature) != 64:
        return False
    der = _sequence(_integer(signature[:32]) + _integer(signature[32:]))
    try:
        return bool(gmssl_pyx.sm2_verify(public_key, message, der))
    except (gmssl_pyx.GmsslInnerError, ValueError):
        return False


def decrypt(private_key: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of 04‖x‖y‖C3‖C2 (GB/T 32918.4). Raises ValueError when it is not meant for this key."""
    if len(ciphertext) < 98 or ciphertext[0] != 4:
        raise ValueError("not a C1‖C3‖C2 ciphertext")
    point, check, body = ciphertext[1:65], ciphertext[65:97], ciphertext[97:]
    parts = (_integer(point[:32]), _integer(point[32:]), _wrap(0x04, check), _wrap(0x04, body))
    try:
        return bytes(gmssl_pyx.sm2_decrypt(private_key, _sequence(b"".join(parts))))
    except gmssl_pyx.GmsslInnerError as error:
        raise ValueError("the ciphertext is not for this key") from error


def _add(left: _Point, right: _Point) -> _Point:
    if left is None or right is None:
        return left or right
    if left[0] == right[0]:
        if (left[1] + right[1]) % _P == 0:
            return None
        slope = (3 * left[0] * left[0] - 3) * pow(2 * left[1], -1, _P) % _P
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, _P) % _P
    x = (slope * slope - left[0] - right[0]) % _P
    return x, (slope * (left[0] - x) - left[1]) % _P


def _wrap(tag: int, value: bytes) -> bytes:
    length = len(value)
    head = bytes([length]) if length < 128 else b"\x81" + bytes([length])
    return bytes([tag]) + head + value


def _sequence(value: bytes) -> bytes:
    return _wrap(0x30, value)


def _integer(value: bytes) -> bytes:
    shortest = value.lstrip(b"\0") or b"\0"
    return _wrap(0x02, b"\0" + shortest if shortest[0] & 0x80 else shortest)


def _read(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The value of the first element and what follows it; signatures are short, so a length is one byte."""
    if der[0] != tag or der[1] > 127:
        raise ValueError("not the DER expected")
    return der[2 : 2 + der[1]], der[2 + der[1] :]


def _fixed(integer: bytes) -> bytes:
    return integer.lstrip(b"\0").rjust(32, b"\0")
