"""The master key is read only from a place that nobody else can read."""

import os

import pytest

from server.core.crypto.master_key import MasterKeyError, create_master_key_file, load_master_key

pytestmark = pytest.mark.feature("S1")

HEX = "000102030405060708090a0b0c0d0e0f"


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_new_file_has_mode_600_and_is_read_back(tmp_path):
    path = tmp_path / "master.key"
    umask = os.umask(0)
    try:
        key = create_master_key_file(path)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) == 16
    assert load_master_key(None, path) == key
    assert create_master_key_file(tmp_path / "other.key") != key


def test_an_existing_file_is_never_overwritten(tmp_path):
    path = write(tmp_path / "master.key", HEX)
    with pytest.raises(MasterKeyError, match="will not be overwritten"):
        create_master_key_file(path)
    assert path.read_text() == HEX


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MasterKeyError, match="cannot be made"):
        create_master_key_file(tmp_path / "nowhere" / "master.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700, 0o666])
def test_a_file_of_another_mode_is_refused(tmp_path, mode):
    path = write(tmp_path / "master.key", HEX, mode)
    with pytest.raises(MasterKeyError, match="must have mode 600"):
        load_master_key(None, path)
    path.chmod(0o600)
    assert load_master_key(None, path) == bytes.fromhex(HEX)


@pytest.mark.parametrize("text", [HEX, HEX.upper(), HEX + "\n", f" {HEX}\r\n"])
def test_32_hex_digits_are_read_from_a_setting_and_a_file(tmp_path, text):
    assert load_master_key(text, None) == bytes(range(16))
    assert load_master_key(None, write(tmp_path / "master.key", text)) == bytes(range(16))


@pytest.mark.parametrize(
    "text", ["", HEX[:-1], HEX + "00", "g" * 32, HEX[:16] + " " + HEX[16:], "é" * 32, "x" * 5000]
)
def test_anything_else_is_refused_without_being_shown(tmp_path, text):
    for ask in (
        lambda: load_master_key(text, None),
        lambda: load_master_key(None, write(tmp_path / "master.key", text)),
    ):
        with pytest.raises(MasterKeyError, match="32 hex digits") as refusal:
            ask()
        assert not text or text not in str(refusal.value)


def test_exactly_one_source_is_wanted(tmp_path):
    with pytest.raises(MasterKeyError, match="not both"):
        load_master_key(None, None)
    with pytest.raises(MasterKeyError, match="not both"):
        load_master_key(HEX, write(tmp_path / "master.key", HEX))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(MasterKeyError, match="cannot be read"):
        load_master_key(None, tmp_path / "master.key")
