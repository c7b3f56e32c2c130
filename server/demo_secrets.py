"""The keys and shared secrets of a demo: made once, kept in its folder in files of mode 600."""

import json
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.commands import CommandError
from server.core.crypto.master_key import create_master_key_file
from server.core.crypto.provider import choose_provider


def demo_secrets(var: Path) -> dict[str, str]:
    """Keys and shared secrets of this demo, made once and kept in files of mode 600."""
    master = var / "master.key"
    if not master.exists():
        create_master_key_file(master)
    kept = var / "demo-secrets.json"
    if not kept.exists():
        pair = choose_provider().generate_key_pair()
        app_private, app_public = rsa_pair()
        alipay_private, alipay_public = rsa_pair()
        content = {
            "partner_private_key_hex": pair.private.hex(),
            "partner_public_key_hex": pair.public.hex(),
            "shared_secret": secrets.token_hex(32),
            "alipay_app_private_pem": app_private,
            "alipay_app_public_pem": app_public,
            "alipay_private_pem": alipay_private,
            "alipay_public_pem": alipay_public,
        }
        write_private(kept, json.dumps(content, indent=1))
        write_private(var / "alipay-app-private.pem", app_private)
        write_private(var / "alipay-public.pem", alipay_public)
    found: dict[str, str] = json.loads(kept.read_text())
    return found


def kept_pair(file: Path) -> tuple[str, str]:
    """The SM2 pair of that file, private and public in hex; made when it is not there yet."""
    provider = choose_provider()
    if not file.exists():
        write_private(file, provider.generate_key_pair().private.hex())
    private = file.read_text()
    return private, provider.private_key(bytes.fromhex(private)).public.raw.hex()


def rsa_pair() -> tuple[str, str]:
    """Private and public key, as PEM."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def write_private(path: Path, text: str) -> None:
    """Mode 600; CommandError when the file cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None
