"""Rotation, wrapping, and the keys that must not rotate."""

from datetime import UTC, datetime, timedelta

import pytest

from server.core.crypto.keyring import (
    MATERIAL_BYTES,
    PUBLISH_AHEAD,
    PURPOSES,
    CurrentKeys,
    Key,
    KeyMissing,
    Keyring,
    RotationRefused,
    may_rotate,
    unwrap,
    wrap,
)
from server.core.crypto.openssl import OpenSslSm2
from server.core.crypto.sealing import FieldCipher, SealBroken

pytestmark = pytest.mark.feature("S1")

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
MASTER_KEY = bytes(range(16))


def make_key(purpose="field", version=1, activates_at=NOW, retired_at=None, material=None):
    size = MATERIAL_BYTES[PURPOSES[purpose].algorithm]
    return Key(purpose, version, material or bytes([version & 0xFF]) * size, NOW, activates_at, retired_at)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_first_key_of_every_purpose_is_made_and_active_at_once(purpose):
    key = Keyring().make_next(purpose, NOW)
    assert (key.purpose, key.version, key.activates_at) == (purpose, 1, NOW)
    assert Keyring([key]).current(purpose, NOW) is key
    assert key.material != Keyring().make_next(purpose, NOW).material
    if PURPOSES[purpose].algorithm == "SM2":
        assert OpenSslSm2().private_key(key.material).sign(b"text")


def test_a_rotated_key_is_published_before_it_is_current():
    first = make_key()
    second = Keyring([first]).make_next("field", NOW)
    ring = Keyring([first, second])
    almost = NOW + PUBLISH_AHEAD - timedelta(microseconds=1)
    assert ring.current("field", almost) is first
    assert ring.by_version("field", 2) is second
    assert ring.current("field", NOW + PUBLISH_AHEAD) is second


def test_a_retired_key_still_opens_but_is_not_current():
    ring = Keyring([make_key(retired_at=NOW + timedelta(hours=1))])
    assert ring.current("field", NOW).version == 1
    with pytest.raises(KeyMissing):
        ring.current("field", NOW + timedelta(hours=1))
    assert ring.by_version("field", 1).version == 1


def test_an_older_key_serves_again_when_the_newest_is_withdrawn():
    ring = Keyring([make_key(version=1), make_key(version=2, retired_at=NOW)])
    assert ring.current("field", NOW).version == 1
    assert ring.next_version("field") == 3


def test_a_missing_key_is_told_from_an_undeclared_purpose():
    ring = Keyring()
    for ask in (
        lambda: ring.current("code", NOW),
        lambda: ring.by_version("code", 1),
        lambda: ring.by_kid("code", "01"),
    ):
        with pytest.raises(KeyMissing):
            ask()
    with pytest.raises(ValueError, match="not a declared key purpose"):
        ring.current("cards", NOW)


def test_the_kid_is_two_hex_digits_and_finds_the_newest():
    assert make_key("code", 171).kid == "AB"
    ring = Keyring([make_key("code", 1), make_key("code", 257)])
    assert ring.by_kid("code", "01").version == 257
    assert ring.by_version("code", 1).kid == "01"


@pytest.mark.parametrize(
    "purpose",
    [
        "index:document",
        "index:phone",
        "index:login",
        "index:tries",
        "session",
        "sms-code",
        "audit",
        "audit-digest",
    ],
)
def test_a_key_by_which_things_are_found_or_chained_never_rotates_silently(purpose):
    assert not may_rotate(purpose)
    ring = Keyring([make_key(purpose)])
    with pytest.raises(RotationRefused):
        ring.next_version(purpose)
    with pytest.raises(RotationRefused):
        ring.make_next(purpose, NOW)


def test_sealing_and_signing_keys_may_rotate():
    assert all(may_rotate(purpose) for purpose in ("field", "code", "platform-sign"))
    with pytest.raises(ValueError, match="not a declared key purpose"):
        may_rotate("cards")


def test_replace_takes_all_keys_at_once_and_refuses_doubles():
    ring = Keyring([make_key(version=1)])
    ring.replace([make_key(version=2), make_key("code", 1)])
    assert ring.current("field", NOW).version == 2
    with pytest.raises(KeyMissing):
        ring.by_version("field", 1)
    with pytest.raises(ValueError, match="two keys"):
        ring.replace([make_key(version=3), make_key(version=3)])
    assert ring.current("field", NOW).version == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 0},
        {"version": 0x10000},
        {"purpose": "unknown"},
        {"material": b"short"},
        {"activates_at": datetime(2026, 1, 5)},
    ],
)
def test_a_key_that_does_not_fit_cannot_be_made(wrong):
    fitting = {
        "purpose": "field",
        "version": 1,
        "material": bytes(16),
        "created_at": NOW,
        "activates_at": NOW,
    }
    assert Key(**fitting).version == 1
    with pytest.raises(ValueError):
        Key(**{**fitting, **wrong})


def test_a_key_does_not_show_its_material():
    assert "material" not in repr(make_key())


def test_a_wrapped_key_opens_with_its_master_key_purpose_and_version_only():
    key = make_key(version=3)
    wrapped = wrap(MASTER_KEY, key)
    assert key.material not in wrapped
    assert unwrap(MASTER_KEY, wrapped, "field", 3) == key.material
    for master_key, purpose, version in (
        (bytes(16), "field", 3),
        (MASTER_KEY, "code", 3),
        (MASTER_KEY, "field", 2),
    ):
        with pytest.raises(SealBroken):
            unwrap(master_key, wrapped, purpose, version)
    for at in range(len(wrapped)):
        altered = bytearray(wrapped)
        altered[at] ^= 0x80
        with pytest.raises(SealBroken):
            unwrap(MASTER_KEY, bytes(altered), "field", 3)


@pytest.mark.feature("S2")
def test_a_field_cipher_follows_the_ring_and_the_clock():
    first = make_key()
    second = Keyring([first]).make_next("field", NOW)
    ring, moment = Keyring([first]), [NOW]
    cipher = FieldCipher(CurrentKeys(ring, lambda: moment[0]))
    old = cipher.seal("persons", "p", "name", "张三")
    ring.replace([first, second])
    assert cipher.seal("persons", "p", "name", "张三")[:2] == b"\x00\x01"
    moment[0] += PUBLISH_AHEAD
    new = cipher.seal("persons", "p", "name", "李四")
    assert new[:2] == b"\x00\x02"
    assert [cipher.unseal("persons", "p", "name", blob) for blob in (old, new)] == ["张三", "李四"]
    ring.replace([second])
    with pytest.raises(SealBroken):
        cipher.unseal("persons", "p", "name", old)
