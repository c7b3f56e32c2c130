"""`ehc demo --federation`: a second card centre and the national router beside the demo's own centre.

The second centre has its own database, keys and id, and shares the sandbox: the same made-up people may claim
a card there, and the sandbox hospital, which the first centre admitted, can read it.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from server import app as composition
from server import settings as settings_module
from server.app.router import build_router
from server.core.audit import Actor
from server.core.crypto.master_key import create_master_key_file
from server.core.crypto.provider import choose_provider
from server.core.observability import configure_logging
from server.demo_secrets import kept_pair

SECOND_CENTRE = "0000B0001"
CERTIFICATES_GOOD = timedelta(days=400)
OF_THE_ROUTER = ("ENVIRONMENT", "MONGODB_URI", "MONGODB_DATABASE", "MASTER_KEY_FILE", "HTTP_PORT")


class DemoFederation:
    """`port` is the first centre's; the second centre and the router take the two that follow."""

    def __init__(self, var: Path, port: int) -> None:
        self._var = var
        self.ports = (port + 1, port + 2)
        self.urls = tuple(f"http://127.0.0.1:{port}" for port in self.ports)
        self._first_url = f"http://127.0.0.1:{port}"
        self._second: dict[str, str] = {}
        self._router: dict[str, str] = {}

    async def prepare(self, first: Mapping[str, str]) -> dict[str, str]:
        """Makes the keys, admits both centres to the router, and returns the first centre's environment with
        the router in it."""
        configure_logging("error")
        second_port, router_port = self.ports
        database = first["MONGODB_DATABASE"]
        self._router = {
            **{name: value for name, value in first.items() if name in OF_THE_ROUTER},
            "MONGODB_DATABASE": f"{database}_router",
            "MASTER_KEY_FILE": str(self._master_key("router")),
            "HTTP_PORT": str(router_port),
        }
        second = {
            **first,
            "MONGODB_DATABASE": f"{database}_second",
            "MASTER_KEY_FILE": str(self._master_key("second")),
            "HTTP_PORT": str(second_port),
            "CENTRE_ID": SECOND_CENTRE,
        }
        urls = {first["CENTRE_ID"]: self._first_url, SECOND_CENTRE: self.urls[0]}
        known = await self._admit([first, second], urls)
        self._second = {**second, **known}
        return {**first, **known}

    async def _admit(self, centres: list[Mapping[str, str]], urls: Mapping[str, str]) -> dict[str, str]:
        anchor = choose_provider().private_key(self._anchor())
        router = await build_router(settings_module.load_router(**_lowered(self._router)))
        try:
            for environment in centres:
                centre_id = environment["CENTRE_ID"]
                key_id, public_key = await _federation_key(environment)
                await router.services.federation.register.admit(
                    centre_id,
                    centre_id,
                    urls[centre_id],
                    key_id=key_id,
                    public_key=public_key,
                    valid=CERTIFICATES_GOOD,
                    anchor=anchor,
                    by=Actor("system", "demo"),
                )
            key_id, key = router.seals.federation_key()
            return {
                "ROUTER_URL": self.urls[1],
                "ROUTER_KEYS": f"{key_id}:{key.public.raw.hex()}",
                "ROUTER_ANCHOR": anchor.public.raw.hex(),
            }
        finally:
            await router.stop()

    def _master_key(self, name: str) -> Path:
        file = self._var / f"{name}-master.key"
        if not file.exists():
            create_master_key_file(file)
        return file

    def _anchor(self) -> bytes:
        return bytes.fromhex(kept_pair(self._var / "router-anchor.key")[0])

    def children(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Name of the process, command of `ehc`, environment."""
        yield "router", "router", self._router
        yield "serve-second", "serve", self._second
        yield "worker-second", "worker", self._second

    def told(self) -> dict[str, object]:
        """What demo.json says of it."""
        return {
            "federation": {
                "second": {"api": self.urls[0], "centre_id": SECOND_CENTRE},
                "router": self.urls[1],
            }
        }

    def announcement(self) -> str:
        return f"""
  6. A second card centre      {self.urls[0]}/
     Claim a card there, and show its code to the same hospital terminal: the first centre asks
     the national router ({self.urls[1]}), the router asks the second centre.
"""


async def _federation_key(environment: Mapping[str, str]) -> tuple[str, bytes]:
    app = await composition.build(settings_module.load(**_lowered(environment)))
    try:
        key_id, key = app.seals.federation_key()
        return key_id, key.public.raw
    finally:
        await app.stop()


def _lowered(environment: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in environment.items()}
