"""What every SM2 provider must do and must refuse."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.crypto import sm2
from server.core.crypto.openssl import LibraryMissing, OpenSslSm2
from server.core.crypto.provider import (
    KNOWN_MESSAGE,
    KNOWN_PRIVATE,
    KNOWN_PUBLIC,
    KNOWN_SIGNATURE,
    PROVIDERS,
    CryptoUnavailable,
    choose_provider,
    self_test,
)

pytestmark = pytest.mark.feature("S1")

# GB/T 32918.5-2017 A.3: "encryption standard" for the same key.
STANDARD_CIPHER = bytes.fromhex(
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)
R, S = KNOWN_SIGNATURE[:32], KNOWN_SIGNATURE[32:]
N_BYTES = sm2.N.to_bytes(32, "big")


def test_the_standards_signature_verifies(key):
    assert key.public.verify(KNOWN_MESSAGE, KNOWN_SIGNATURE)
    assert not key.public.verify(b"message digesT", KNOWN_SIGNATURE)


def test_the_standards_ciphertext_decrypts(key):
    assert key.decrypt(STANDARD_CIPHER) == b"encryption standard"


def test_every_flipped_bit_of_a_signature_is_refused(key):
    for bit in range(512):
        flipped = bytearray(KNOWN_SIGNATURE)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not key.public.verify(KNOWN_MESSAGE, bytes(flipped)), bit


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(KNOWN_SIGNATURE[:-1], id="63 bytes"),
        pytest.param(KNOWN_SIGNATURE + b"\0", id="65 bytes"),
        pytest.param(bytes(64), id="zeros"),
        pytest.param(bytes(32) + S, id="r is 0"),
        pytest.param(R + bytes(32), id="s is 0"),
        pytest.param(N_BYTES + S, id="r is n"),
        pytest.param(R + N_BYTES, id="s is n"),
        pytest.param(b"\xff" * 64, id="r and s above n"),
        pytest.param(R + (sm2.N - int.from_bytes(S, "big")).to_bytes(32, "big"), id="s mirrored as in ECDSA"),
        pytest.param(R + (sm2.N - int.from_bytes(R, "big")).to_bytes(32, "big"), id="r + s is n"),
        pytest.param(S + R, id="s before r"),
        pytest.param(bytes.fromhex("3046022100") + R + bytes.fromhex("022100") + S, id="DER"),
    ],
)
def test_a_malformed_signature_is_false_and_never_an_error(key, signature):
    assert key.public.verify(KNOWN_MESSAGE, signature) is False


@given(signature=st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_random_bytes_are_no_signature(key, signature):
    assert key.public.verify(KNOWN_MESSAGE, signature) is False


def test_another_key_does_not_verify(provider, key):
    other = provider.private_key(provider.generate_key_pair().private)
    assert not other.public.verify(b"text", key.sign(b"text"))


@given(message=st.binary(max_size=2000))
@settings(max_examples=50, deadline=None)
def test_what_is_signed_verifies(key, message):
    signature = key.sign(message)
    assert len(signature) == 64
    assert key.public.verify(message, signature)
    assert not key.public.verify(message + b"\0", signature)


@given(plain=st.binary(min_size=1, max_size=sm2.MAX_PLAIN_BYTES))
@settings(max_examples=50, deadline=None)
def test_what_is_encrypted_decrypts(key, plain):
    cipher = key.public.encrypt(plain)
    assert len(cipher) == len(plain) + 97
    assert cipher[0] == 4
    assert key.decrypt(cipher) == plain


def test_one_byte_survives_although_its_mask_may_be_zero(key):
    # Without the check of 6.1 A5 one in 256 of these would be a ciphertext that shows its plaintext.
    for _ in range(600):
        cipher = key.public.encrypt(b"x")
        assert cipher[-1:] != b"x"
        assert key.decrypt(cipher) == b"x"


def test_signatures_and_ciphertexts_are_fresh_each_time(key):
    assert key.sign(b"same") != key.sign(b"same")
    assert key.public.encrypt(b"same") != key.public.encrypt(b"same")


@pytest.mark.parametrize("length", [0, 256])
def test_encryption_takes_1_to_255_bytes(key, length):
    with pytest.raises(ValueError, match="1 to 255"):
        key.public.encrypt(bytes(length))


def test_every_altered_byte_of_a_ciphertext_is_refused(key):
    for at in range(len(STANDARD_CIPHER)):
        altered = bytearray(STANDARD_CIPHER)
        altered[at] ^= 1
        with pytest.raises(sm2.DecryptionFailed):
            key.decrypt(bytes(altered))


@pytest.mark.parametrize(
    "cipher",
    [
        pytest.param(b"", id="empty"),
        pytest.param(STANDARD_CIPHER[:97], id="no C2"),
        pytest.param(STANDARD_CIPHER[:-1], id="cut"),
        pytest.param(STANDARD_CIPHER + b"\0", id="longer"),
        pytest.param(STANDARD_CIPHER[1:], id="without 04"),
        pytest.param(b"\x04" + bytes(64) + STANDARD_CIPHER[65:], id="C1 off the curve"),
        pytest.param(b"\x04" + b"\xff" * 64 + STANDARD_CIPHER[65:], id="C1 above p"),
        pytest.param(STANDARD_CIPHER[:65] + STANDARD_CIPHER[97:] + STANDARD_CIPHER[65:97], id="C1 C2 C3"),
        pytest.param(STANDARD_CIPHER[:97] + bytes(256), id="C2 too long"),
    ],
)
def test_a_malformed_ciphertext_is_refused(key, cipher):
    with pytest.raises(sm2.DecryptionFailed):
        key.decrypt(cipher)


def test_a_ciphertext_for_another_key_is_refused(provider):
    other = provider.private_key(provider.generate_key_pair().private)
    with pytest.raises(sm2.DecryptionFailed):
        other.decrypt(STANDARD_CIPHER)


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(b"", id="empty"),
        pytest.param(KNOWN_PUBLIC[1:], id="without 04"),
        pytest.param(KNOWN_PUBLIC + b"\0", id="too long"),
        pytest.param(b"\x06" + KNOWN_PUBLIC[1:], id="hybrid form"),
        pytest.param(KNOWN_PUBLIC[:-1] + b"\0", id="off the curve"),
        pytest.param(b"\x04" + bytes(64), id="zeros"),
        pytest.param(b"\x04" + sm2.P.to_bytes(32, "big") + KNOWN_PUBLIC[33:], id="x is p"),
    ],
)
def test_a_public_key_off_the_curve_is_refused(provider, public):
    with pytest.raises(sm2.InvalidKey):
        provider.public_key(public)


@pytest.mark.parametrize("number", [0, sm2.N - 1, sm2.N, 2**256 - 1])
def test_a_private_key_out_of_range_is_refused(provider, number):
    with pytest.raises(sm2.InvalidKey):
        provider.private_key(number.to_bytes(32, "big"))


@pytest.mark.parametrize("number", [1, 2, sm2.N - 2])
def test_the_edges_of_the_range_work(provider, number):
    key = provider.private_key(number.to_bytes(32, "big"))
    assert key.public.verify(b"edge", key.sign(b"edge"))


def test_the_public_key_of_1_is_the_base_point(provider):
    public = provider.private_key((1).to_bytes(32, "big")).public.raw
    assert public == b"\x04" + sm2.G[0].to_bytes(32, "big") + sm2.G[1].to_bytes(32, "big")


@pytest.mark.parametrize("text", ["", "04", "zz" * 65, KNOWN_PUBLIC.hex()[:-2], " " + KNOWN_PUBLIC.hex()[1:]])
def test_hex_keys_are_read_strictly(text):
    with pytest.raises(sm2.InvalidKey):
        sm2.parse_public_key_hex(text)


def test_hex_keys_are_read_in_either_case():
    assert sm2.parse_public_key_hex(KNOWN_PUBLIC.hex().upper()) == KNOWN_PUBLIC
    assert sm2.parse_private_key_hex(KNOWN_PRIVATE.hex()) == KNOWN_PRIVATE


def test_a_key_pair_does_not_show_its_private_half(provider):
    pair = provider.generate_key_pair()
    assert repr(pair.private) not in repr(pair)
    assert provider.private_key(pair.private).public.raw == pair.public


def test_one_key_serves_several_threads(key):
    results: list[bool] = []

    def work(number: int) -> None:
        for turn in range(25):
            message = f"{number}/{turn}".encode()
            results.append(key.public.verify(message, key.sign(message)))
            results.append(key.decrypt(key.public.encrypt(message)) == message)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 200


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux' /proc")
def test_openssl_calls_leave_nothing_behind():
    provider = OpenSslSm2()
    broken = STANDARD_CIPHER[:-1] + b"\0"

    def use() -> None:
        key = provider.private_key(KNOWN_PRIVATE)
        key.public.verify(b"x", KNOWN_SIGNATURE)
        key.public.verify(b"x", key.sign(b"x"))
        key.public.encrypt(b"x" * 32)
        with pytest.raises(sm2.DecryptionFailed):
            key.decrypt(broken)

    for _ in range(200):
        use()
    before = _resident_bytes()
    for _ in range(600):
        use()
    # One context forgotten per turn would be 100 bytes to 1 KiB, a key about 2 KiB.
    assert _resident_bytes() - before < 256 * 1024


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_auto_chooses_openssl_where_it_works():
    assert choose_provider().name == "openssl"
    assert choose_provider("gmssl-pyx").name == "gmssl-pyx"


def test_auto_falls_back_when_openssl_is_missing():
    def missing() -> sm2.Sm2Provider:
        return OpenSslSm2(library="no-such-libcrypto")

    assert choose_provider("auto", {**PROVIDERS, "openssl": missing}).name == "gmssl-pyx"
    with pytest.raises(CryptoUnavailable, match="install OpenSSL 3"):
        choose_provider("openssl", {**PROVIDERS, "openssl": missing})


def test_a_library_that_is_not_openssl_is_refused():
    with pytest.raises(LibraryMissing):
        OpenSslSm2(library="libm.so.6")


class _BelievesEverything:
    """A public key that finds every signature good."""

    def __init__(self, public: sm2.Sm2PublicKey) -> None:
        self.raw, self.encrypt = public.raw, public.encrypt

    def verify(self, message: bytes, signature: bytes) -> bool:
        return True


def test_the_self_test_finds_a_provider_that_believes_everything():
    class Credulous(OpenSslSm2):
        def public_key(self, raw: bytes) -> _BelievesEverything:
            return _BelievesEverything(super().public_key(raw))

    with pytest.raises(CryptoUnavailable, match="a flipped signature"):
        self_test(Credulous())


def test_the_self_test_finds_a_provider_that_takes_any_key():
    class Careless(OpenSslSm2):
        def public_key(self, raw: bytes) -> sm2.Sm2PublicKey:
            return super().public_key(raw if raw == KNOWN_PUBLIC else KNOWN_PUBLIC)

    with pytest.raises(CryptoUnavailable, match="a key off the curve"):
        self_test(Careless())
