"""Which SM2 provider is used, and the self-test it must pass at start-up.

A hardware provider (card, HSM, KMS) is plugged in here: a class with the three methods of `Sm2Provider`,
its key objects, and one line in PROVIDERS. What it calls a private key may be a handle of 32 bytes: nothing
but the provider ever looks into the bytes that the keyring keeps for it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from server.core.crypto.hashes import sm3_hex
from server.core.crypto.sm2 import DecryptionFailed, InvalidKey, Sm2Provider

ProviderName = Literal["auto", "openssl", "gmssl-pyx"]

# GB/T 32918.5-2017 A.2: the standard's own key, message and signature.
KNOWN_PRIVATE = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
KNOWN_PUBLIC = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
KNOWN_MESSAGE = b"message digest"
KNOWN_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
KNOWN_SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


class CryptoUnavailable(Exception):
    """No provider passed its self-test. The text is one sentence that says how to mend it."""


def _openssl() -> Sm2Provider:
    from server.core.crypto.openssl import OpenSslSm2

    return OpenSslSm2()


def _gmssl() -> Sm2Provider:
    # Imported only when wanted: where OpenSSL 3 is at hand, gmssl-pyx need not be installed.
    from server.core.crypto.gmssl_c import GmsslSm2

    return GmsslSm2()


PROVIDERS: Mapping[str, Callable[[], Sm2Provider]] = {"openssl": _openssl, "gmssl-pyx": _gmssl}
"""In the order in which "auto" tries them: the fastest first."""


def choose_provider(
    name: ProviderName = "auto", providers: Mapping[str, Callable[[], Sm2Provider]] = PROVIDERS
) -> Sm2Provider:
    """The named provider, or for "auto" the first that passes its self-test; CryptoUnavailable if none."""
    wanted: Iterable[str] = providers if name == "auto" else (name,)
    refusals = []
    for candidate in wanted:
        try:
            provider = providers[candidate]()
            self_test(provider)
        # A provider may break in any way (a wrong library, a device unplugged): each means "not this one".
        except Exception as error:
            refusals.append(f"{candidate}: {error or type(error).__name__}")
        else:
            return provider
    raise CryptoUnavailable(
        "SM2 cannot be computed here: install OpenSSL 3 (its library libcrypto) or the Python package "
        f"gmssl-pyx 2.1.0, and leave the provider on auto ({'; '.join(refusals)})."
    )


def self_test(provider: Sm2Provider) -> None:
    """Nothing if the provider computes SM2 and refuses what it must; CryptoUnavailable names the fault."""
    faults = [what for what, passed in _checks(provider) if not passed]
    if faults:
        raise CryptoUnavailable(f"the self-test failed: {', '.join(faults)}")


def _checks(provider: Sm2Provider) -> Iterable[tuple[str, bool]]:
    private, public = provider.private_key(KNOWN_PRIVATE), provider.public_key(KNOWN_PUBLIC)
    flipped = _flip_last(KNOWN_SIGNATURE)
    yield "SM3 of abc", sm3_hex(b"abc") == KNOWN_SM3_OF_ABC
    yield "public key of a private key", private.public.raw == KNOWN_PUBLIC
    yield "the standard's signature", public.verify(KNOWN_MESSAGE, KNOWN_SIGNATURE)
    yield "a flipped signature", not public.verify(KNOWN_MESSAGE, flipped)
    yield "signing", public.verify(b"self-test", private.sign(b"self-test"))
    yield "fresh nonces", private.sign(b"self-test") != private.sign(b"self-test")
    cipher = public.encrypt(b"self-test")
    yield "encryption", private.decrypt(cipher) == b"self-test"
    yield "an altered ciphertext", _is_refused(DecryptionFailed, private.decrypt, _flip_last(cipher))
    yield "a key off the curve", _is_refused(InvalidKey, provider.public_key, _flip_last(KNOWN_PUBLIC))
    pair = provider.generate_key_pair()
    yield "a new key", provider.private_key(pair.private).public.raw == pair.public


def _is_refused(refusal: type[Exception], call: Callable[[bytes], object], argument: bytes) -> bool:
    try:
        call(argument)
    except refusal:
        return True
    return False


def _flip_last(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
