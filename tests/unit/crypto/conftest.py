import json
from pathlib import Path
from typing import Any

import pytest

from server.core.crypto.gmssl_c import GmsslSm2
from server.core.crypto.openssl import OpenSslSm2
from server.core.crypto.sm2 import Sm2PrivateKey, Sm2Provider

VECTORS_PATH = Path(__file__).parents[2] / "vectors.json"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    return json.loads(VECTORS_PATH.read_text("utf-8"))


@pytest.fixture(scope="session", params=[OpenSslSm2, GmsslSm2], ids=lambda made: made.name)
def provider(request: pytest.FixtureRequest) -> Sm2Provider:
    """Each provider in turn: every test that asks for it is a conformance test."""
    return request.param()


@pytest.fixture(scope="session")
def key(provider: Sm2Provider, vectors: dict[str, Any]) -> Sm2PrivateKey:
    """The example key of GB/T 32918.5, parsed by the provider under test."""
    return provider.private_key(bytes.fromhex(vectors["partner_sm2"]["private_key"]))
