"""OpenSSL, GmSSL in C and the pure-Python gmssl must agree with each other on random input."""

import random

import pytest
from pure_python_sm2 import pure_python_sm2

from server.core.crypto.gmssl_c import GmsslSm2
from server.core.crypto.openssl import OpenSslSm2

pytestmark = pytest.mark.feature("S1")

KEYS, MESSAGES_PER_KEY = 20, 50


@pytest.fixture(scope="module")
def chance():
    return random.Random(32918)


@pytest.fixture(scope="module")
def pairs():
    """(private bytes, OpenSSL's key, GmSSL's key) for 20 new keys, half made by each."""
    openssl, gmssl = OpenSslSm2(), GmsslSm2()
    made = [maker.generate_key_pair().private for maker in (openssl, gmssl) for _ in range(KEYS // 2)]
    return [(private, openssl.private_key(private), gmssl.private_key(private)) for private in made]


def test_public_keys_are_the_same(pairs):
    assert [one.public.raw for _, one, _ in pairs] == [other.public.raw for _, _, other in pairs]


def test_1000_messages_verify_in_both_directions(pairs, chance):
    for _, openssl, gmssl in pairs:
        for _ in range(MESSAGES_PER_KEY):
            message = chance.randbytes(chance.randrange(300))
            assert gmssl.public.verify(message, openssl.sign(message))
            assert openssl.public.verify(message, gmssl.sign(message))


def test_200_ciphertexts_open_in_both_directions(pairs, chance):
    for _, openssl, gmssl in pairs:
        for _ in range(10):
            plain = chance.randbytes(chance.randrange(1, 256))
            assert gmssl.decrypt(openssl.public.encrypt(plain)) == plain
            assert openssl.decrypt(gmssl.public.encrypt(plain)) == plain


def test_gmssl_opens_single_bytes_of_openssl(pairs):
    # Where the mask is zero GmSSL refuses; OpenSSL alone would make such a ciphertext once in 256.
    _, openssl, gmssl = pairs[0]
    assert all(gmssl.decrypt(openssl.public.encrypt(b"\x5a")) == b"\x5a" for _ in range(600))


def test_the_pure_python_library_agrees(pairs, chance):
    for turn in range(50):
        private, openssl, gmssl = pairs[turn % KEYS]
        peer = pure_python_sm2(openssl.public.raw, private)
        message = chance.randbytes(chance.randrange(1, 100))
        theirs = bytes.fromhex(peer.sign_with_sm3(message))
        assert openssl.public.verify(message, theirs)
        assert peer.verify_with_sm3(openssl.sign(message).hex(), message)
        if turn < 10:
            assert gmssl.public.verify(message, theirs)
            assert peer.decrypt(openssl.public.encrypt(message)[1:]) == message
            assert gmssl.decrypt(b"\x04" + peer.encrypt(message)) == message
