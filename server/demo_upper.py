"""The centre above the demo's own, which the sandbox plays: it takes uses of cards (docs/operations.md)."""

from pathlib import Path

from server.demo_secrets import kept_pair

KEY_ID = "k1"


class DemoUpperCentre:
    def __init__(self, var: Path, sandbox: str, centre_id: str) -> None:
        self._file = var / "upper-centre.key"
        self._sandbox = sandbox
        self._centre_id = centre_id

    def environment(self) -> dict[str, str]:
        """What the demo's own centre must know of it."""
        return {
            "UPPER_URL": f"{self._sandbox}/upper",
            "UPPER_KEYS": f"{KEY_ID}:{kept_pair(self._file)[1]}",
        }

    def sandbox_section(self, federation_key_hex: str) -> dict[str, str]:
        """`federation_key_hex`: the key the demo's centre signs with when it calls other centres."""
        return {
            "private_key_hex": kept_pair(self._file)[0],
            "platform_public_key_hex": federation_key_hex,
            "centre_id": self._centre_id,
        }

    def told(self) -> dict[str, str]:
        """What demo.json says of it: where a person or a test sees what came."""
        return {"uses": f"{self._sandbox}/control/upper_centre/uses"}
