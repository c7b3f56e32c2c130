"""Known answers: the standards' own examples, and tests/vectors.json, which partners also test against."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pure_python_sm2 import pure_python_sm2

from server.core.crypto import sm4
from server.core.crypto.hashes import equal_in_constant_time, hmac_sm3, sm3, sm3_hex
from server.core.crypto.provider import KNOWN_MESSAGE, KNOWN_PRIVATE, KNOWN_PUBLIC, KNOWN_SIGNATURE

pytestmark = pytest.mark.feature("S1")

STANDARD_NONCE = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21"
SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def test_sm3_of_the_standards_two_messages():
    # GB/T 32905-2016 A.1 and A.2.
    assert sm3_hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_sm3_vector(vectors):
    assert all(sm3_hex(text.encode()) == digest for text, digest in vectors["sm3"].items())


def test_comparison_in_constant_time():
    assert equal_in_constant_time(b"same", b"same")
    assert not equal_in_constant_time(b"same", b"samE")
    assert not equal_in_constant_time(b"same", b"sam")


def test_sm4_block_of_the_standard():
    # GB/T 32907-2016 A.1: the key encrypts itself.
    encryptor = Cipher(algorithms.SM4(SM4_KEY), modes.ECB()).encryptor()
    assert encryptor.update(SM4_KEY).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gcm_of_rfc_8998_opens():
    plain = b"".join(bytes([double]) * 8 for double in bytes.fromhex("aabbccddeeffeeaa"))
    bound_to = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = bytes.fromhex(
        "00001234567800000000abcd"
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert sm4.unseal(SM4_KEY, sealed, bound_to) == plain
    with pytest.raises(sm4.SealBroken):
        sm4.unseal(SM4_KEY, sealed, bound_to[:-1])


def test_the_standards_fixed_nonce_gives_the_standards_signature():
    # GB/T 32918.5-2017 A.2. No provider lets anybody choose the nonce, so the second opinion signs.
    peer = pure_python_sm2(KNOWN_PUBLIC, KNOWN_PRIVATE)
    assert peer.sign_with_sm3(KNOWN_MESSAGE, STANDARD_NONCE) == KNOWN_SIGNATURE.hex()


def test_partner_sm2_vector(vectors, provider):
    vector = vectors["partner_sm2"]
    text, signature = vector["string_to_sign"].encode(), base64.b64decode(vector["signature_base64"])
    key = provider.private_key(bytes.fromhex(vector["private_key"]))
    assert key.public.raw.hex() == vector["public_key"]
    assert vector["string_to_sign"].split("\n")[3] == sm3_hex(vector["body"].encode())
    assert key.public.verify(text, signature)
    assert not key.public.verify(text.replace(b"POST", b"GET"), signature)
    peer = pure_python_sm2(key.public.raw, bytes.fromhex(vector["private_key"]))
    assert bytes.fromhex(peer.sign_with_sm3(text, vector["k"])) == signature


def test_partner_hmac_vector(vectors):
    vector = vectors["partner_hmac"]
    text = vector["string_to_sign"]
    mac = hmac_sm3(bytes.fromhex(vector["session_key_hex"]), text.encode())
    assert base64.b64encode(mac).decode() == vector["signature_base64"]
    assert text.split("\n")[3] == sm3_hex(b"")


def test_existing_envelope_vectors(vectors):
    plain_rule, cipher_rule = vectors["ehc_plaintext_rule"], vectors["ehc_ciphertext_rule"]
    padder = PKCS7(128).padder()
    padded = padder.update(plain_rule["biz_content_plain"].encode()) + padder.finalize()
    encryptor = Cipher(algorithms.SM4(plain_rule["app_secret"].encode()), modes.ECB()).encryptor()
    sent = encryptor.update(padded) + encryptor.finalize()
    assert sent.hex() == plain_rule["biz_content_sm4_ecb_pkcs7_hex"] == cipher_rule["biz_content_sent"]
    assert base64.b64encode(sent).decode() == plain_rule["biz_content_sm4_ecb_pkcs7_base64"]
    assert sm3_hex(plain_rule["string_to_digest"].encode()) == plain_rule["digest"]
    assert sm3_hex(cipher_rule["string_to_digest"].encode()) == cipher_rule["digest"]
