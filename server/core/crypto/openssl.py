"""SM2 on the system's OpenSSL 3 (libcrypto) through ctypes.

ctypes lets go of the interpreter lock during a call, so calls on a thread pool use every core.
Each call makes its own context and frees it; a key handle is only read, and OpenSSL counts its users.
"""

import ctypes
import ctypes.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_ulong, c_void_p
from typing import Any

from server.core.crypto import sm2
from server.core.crypto.der import cipher_from_der, cipher_to_der, signature_from_der, signature_to_der

SM2_CURVE_OID = bytes.fromhex("06082a811ccf5501822d")
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d0201") + SM2_CURVE_OID + bytes.fromhex("034200")
SEC1_HEAD = bytes.fromhex("30310201010420")
SEC1_TAIL = bytes.fromhex("a00a") + SM2_CURVE_OID
MAX_DER_SIGNATURE_BYTES = 72


class LibraryMissing(Exception):
    """There is no OpenSSL 3 on this system."""


class OpenSslError(Exception):
    """OpenSSL refused an operation that cannot fail on sound input."""


_LOAD = [c_void_p, POINTER(c_char_p), c_long]
_INIT = [c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_void_p]
_CRYPT = [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t]
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "OpenSSL_version_num": (c_ulong, []),
    "ERR_clear_error": (None, []),
    "d2i_PUBKEY": (c_void_p, _LOAD),
    "d2i_AutoPrivateKey": (c_void_p, _LOAD),
    "EVP_PKEY_is_a": (c_int, [c_void_p, c_char_p]),
    "EVP_PKEY_get_octet_string_param": (c_int, [c_void_p, c_char_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "EVP_PKEY_free": (None, [c_void_p]),
    "EVP_MD_CTX_new": (c_void_p, []),
    "EVP_MD_CTX_free": (None, [c_void_p]),
    "EVP_sm3": (c_void_p, []),
    "EVP_DigestSignInit": (c_int, _INIT),
    "EVP_DigestVerifyInit": (c_int, _INIT),
    "EVP_PKEY_CTX_set1_id": (c_int, [c_void_p, c_char_p, c_int]),
    "EVP_DigestSign": (c_int, [c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t]),
    "EVP_DigestVerify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
    "EVP_PKEY_CTX_new": (c_void_p, [c_void_p, c_void_p]),
    "EVP_PKEY_CTX_free": (None, [c_void_p]),
    "EVP_PKEY_encrypt_init": (c_int, [c_void_p]),
    "EVP_PKEY_encrypt": (c_int, _CRYPT),
    "EVP_PKEY_decrypt_init": (c_int, [c_void_p]),
    "EVP_PKEY_decrypt": (c_int, _CRYPT),
}


class OpenSslSm2:
    """The provider. `library` names a libcrypto other than the system's; LibraryMissing if none is found."""

    name = "openssl"

    def __init__(self, library: str | None = None) -> None:
        self._crypto = _load_libcrypto(library)

    def generate_key_pair(self) -> sm2.KeyPair:
        private = sm2.random_private_key()
        return sm2.KeyPair(private, self.private_key(private).public.raw)

    def public_key(self, raw: bytes) -> "OpenSslPublicKey":
        handle = _Handle(self._crypto, "d2i_PUBKEY", SPKI_HEAD + sm2.require_public_key(raw))
        return OpenSslPublicKey(handle, raw)

    def private_key(self, raw: bytes) -> "OpenSslPrivateKey":
        # Without the optional public half, OpenSSL computes it while reading.
        sec1 = SEC1_HEAD + sm2.require_private_key(raw) + SEC1_TAIL
        handle = _Handle(self._crypto, "d2i_AutoPrivateKey", sec1)
        return OpenSslPrivateKey(handle, self.public_key(handle.public_octets()))


class OpenSslPublicKey:
    """A public key parsed once; any number of threads may use it."""

    def __init__(self, handle: "_Handle", raw: bytes) -> None:
        self._handle, self.raw = handle, raw

    def verify(self, message: bytes, signature: bytes) -> bool:
        if not sm2.is_signature_shaped(signature):
            return False
        crypto, der = self._handle.crypto, signature_to_der(signature)
        with self._handle.digest_context(crypto.EVP_DigestVerifyInit) as context:
            if crypto.EVP_DigestVerify(context, der, len(der), message, len(message)) == 1:
                return True
        crypto.ERR_clear_error()
        return False

    def encrypt(self, plain: bytes) -> bytes:
        sm2.require_plain(plain)
        crypto = self._handle.crypto
        with self._handle.key_context(crypto.EVP_PKEY_encrypt_init) as context:
            while True:
                parts = cipher_from_der(self._encrypt_once(context, plain))
                # OpenSSL does not look whether the mask came out as zeros, which for a plaintext of one
                # byte happens once in 256; the standard (6.1 A5) then wants another nonce, and peers refuse.
                if parts.c2 != plain:
                    return sm2.join_cipher(parts)

    def _encrypt_once(self, context: int, plain: bytes) -> bytes:
        crypto, size = self._handle.crypto, c_size_t()
        self._handle.require(crypto.EVP_PKEY_encrypt(context, None, byref(size), plain, len(plain)))
        out = ctypes.create_string_buffer(size.value)
        self._handle.require(crypto.EVP_PKEY_encrypt(context, out, byref(size), plain, len(plain)))
        return out.raw[: size.value]


class OpenSslPrivateKey:
    """A private key parsed once; any number of threads may use it."""

    def __init__(self, handle: "_Handle", public: OpenSslPublicKey) -> None:
        self._handle, self.public = handle, public

    def sign(self, message: bytes) -> bytes:
        crypto, size = self._handle.crypto, c_size_t(MAX_DER_SIGNATURE_BYTES)
        out = ctypes.create_string_buffer(MAX_DER_SIGNATURE_BYTES)
        with self._handle.digest_context(crypto.EVP_DigestSignInit) as context:
            self._handle.require(crypto.EVP_DigestSign(context, out, byref(size), message, len(message)))
        return signature_from_der(out.raw[: size.value])

    def decrypt(self, cipher: bytes) -> bytes:
        parts = sm2.split_cipher(cipher)
        crypto, der, size = self._handle.crypto, cipher_to_der(parts), c_size_t(len(parts.c2))
        out = ctypes.create_string_buffer(len(parts.c2))
        with self._handle.key_context(crypto.EVP_PKEY_decrypt_init) as context:
            opened = crypto.EVP_PKEY_decrypt(context, out, byref(size), der, len(der)) == 1
        plain = out.raw[: size.value]
        # A mask of zeros is refused (7.1 B4), as other libraries do.
        if not opened or plain == parts.c2:
            crypto.ERR_clear_error()
            raise sm2.DecryptionFailed
        return plain


class _Handle:
    """Owner of one EVP_PKEY: frees it when the last key object is gone."""

    def __init__(self, crypto: ctypes.CDLL, load: str, der: bytes) -> None:
        self.crypto = crypto
        self._free = crypto.EVP_PKEY_free
        cursor = c_char_p(der)
        self._pkey: int | None = getattr(crypto, load)(None, byref(cursor), len(der))
        if self._pkey is None or crypto.EVP_PKEY_is_a(self._pkey, b"SM2") != 1:
            crypto.ERR_clear_error()
            raise sm2.InvalidKey("OpenSSL does not take this SM2 key")

    def __del__(self) -> None:
        if self._pkey is not None:
            self._free(self._pkey)

    def public_octets(self) -> bytes:
        """65 bytes of the public half."""
        out, size = ctypes.create_string_buffer(sm2.PUBLIC_BYTES), c_size_t()
        self.require(
            self.crypto.EVP_PKEY_get_octet_string_param(self._pkey, b"pub", out, len(out), byref(size))
        )
        return out.raw[: size.value]

    @contextmanager
    def digest_context(self, init: Callable[..., int]) -> Iterator[int]:
        """A context that hashes with SM3, the user id first (GB/T 32918.2 5.5)."""
        context = self._made(self.crypto.EVP_MD_CTX_new())
        try:
            key_context = c_void_p()
            self.require(init(context, byref(key_context), self.crypto.EVP_sm3(), None, self._pkey))
            # After the initialisation: OpenSSL 3.0 refuses a user id among its parameters. The key context
            # belongs to `context` and is freed with it.
            self.require(self.crypto.EVP_PKEY_CTX_set1_id(key_context, sm2.USER_ID, len(sm2.USER_ID)))
            yield context
        finally:
            self.crypto.EVP_MD_CTX_free(context)

    @contextmanager
    def key_context(self, init: Callable[..., int]) -> Iterator[int]:
        """A context for encrypting or decrypting with SM3 as the digest."""
        context = self._made(self.crypto.EVP_PKEY_CTX_new(self._pkey, None))
        try:
            self.require(init(context))
            yield context
        finally:
            self.crypto.EVP_PKEY_CTX_free(context)

    def require(self, status: int) -> None:
        """OpenSslError unless `status` is 1."""
        if status != 1:
            self.crypto.ERR_clear_error()
            raise OpenSslError("OpenSSL refused an SM2 operation")

    @staticmethod
    def _made(context: int | None) -> int:
        if context is None:
            raise MemoryError("OpenSSL could not allocate a context")
        return context


def _load_libcrypto(library: str | None) -> ctypes.CDLL:
    for name in (library,) if library else _usual_names():
        with suppress(OSError):
            crypto = ctypes.CDLL(name)
            if _is_openssl_3(crypto):
                return _declared(crypto)
    raise LibraryMissing("no OpenSSL 3 library (libcrypto) was found")


def _usual_names() -> Iterator[str]:
    yield {"darwin": "libcrypto.3.dylib", "win32": "libcrypto-3-x64.dll"}.get(sys.platform, "libcrypto.so.3")
    # Slow, because it runs other programs: asked only when the usual name is not there. Not on macOS,
    # which ends a process that loads the system's own libcrypto.
    found = ctypes.util.find_library("crypto") if sys.platform != "darwin" else None
    if found:
        yield found


def _is_openssl_3(crypto: ctypes.CDLL) -> bool:
    if not all(hasattr(crypto, name) for name in _SIGNATURES):
        return False
    crypto.OpenSSL_version_num.restype = c_ulong
    return int(crypto.OpenSSL_version_num()) >> 28 >= 3


def _declared(crypto: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(crypto, name)
        function.restype, function.argtypes = result, arguments
    return crypto
