"""The hospitals of a demo: one with a system of its own, which the sandbox plays, and one without.

The second one's slots lie in the platform's pools.  Both are admitted as a partner would be.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.scopes import SCOPES
from sandbox.city import City, CityHospital
from server import app as composition
from server.core.audit import Actor
from server.demo_secrets import kept_pair
from server.partners.model import App, Institution, Terminal

BY = Actor("system", "demo")
KEY_ID = "k1"
# The terminal shows numbers masked, as most do.
DEMO_SCOPES = frozenset(SCOPES) - {"verification.full"}


class DemoHospitals:
    def __init__(self, var: Path, api: str, sandbox: str, city: City) -> None:
        self._var = var
        self._api = api
        self._sandbox = sandbox
        self._centre_id = city.centre_id
        self._with_his, self._with_pools = city.hospitals[:2]

    async def admit(self, app: composition.App, kept: Mapping[str, str]) -> None:
        """Both apps, and the terminals of the first."""
        first = _app(self._with_his, kept["partner_public_key_hex"])
        terminals = [
            Terminal(terminal.terminal_id, first.app_id, terminal.place, terminal.channel, True)
            for terminal in self._with_his.terminals
        ]
        await app.services.partner_register.admit(first, terminals, BY)
        second = _app(self._with_pools, self._second_keys()[1])
        await app.services.partner_register.admit(second, [], BY)

    @property
    def first_terminal(self) -> tuple[str, str]:
        """(app id, terminal id) of the hospital whose terminal the sandbox plays."""
        return app_id(self._with_his), self._with_his.terminals[0].terminal_id

    def sandbox_sections(self, kept: Mapping[str, str], platform_key: str) -> dict[str, Any]:
        """The terminal, and the hospital's own system."""
        terminal = self._with_his.terminals[0]
        partner = {
            "api": self._api,
            "app_id": app_id(self._with_his),
            "key_id": KEY_ID,
            "private_key_hex": kept["partner_private_key_hex"],
            "platform_public_key_hex": platform_key,
            "institution_name": self._with_his.name,
        }
        return {
            "hospital": {
                **partner,
                "terminal_id": terminal.terminal_id,
                "terminal_name": terminal.place,
                "channel": terminal.channel,
            },
            "his": {**partner, "centre_id": self._centre_id},
        }

    def told(self, kept: Mapping[str, str], platform_key: str) -> dict[str, Any]:
        """What demo.json says of them."""
        partner = {
            "app_id": app_id(self._with_his),
            "key_id": KEY_ID,
            "private_key_hex": kept["partner_private_key_hex"],
            "public_key_hex": kept["partner_public_key_hex"],
            "platform_public_key_hex": platform_key,
            "terminal_id": self._with_his.terminals[0].terminal_id,
        }
        private, public = self._second_keys()
        second = {
            "app_id": app_id(self._with_pools),
            "key_id": KEY_ID,
            "private_key_hex": private,
            "public_key_hex": public,
            "platform_public_key_hex": platform_key,
        }
        return {
            "partner": partner,
            "hospitals": [
                {
                    "institution_id": self._with_his.institution_id,
                    "name": self._with_his.name,
                    "system": "his",
                    "base_url": self._sandbox,
                    "nurse": f"{self._sandbox}/his/",
                    "clock": f"{self._sandbox}/control/his/clock",
                    "app_id": app_id(self._with_his),
                },
                {
                    "institution_id": self._with_pools.institution_id,
                    "name": self._with_pools.name,
                    "system": "pools",
                    "partner": second,
                },
            ],
        }

    def _second_keys(self) -> tuple[str, str]:
        """Private and public, hex; made once."""
        return kept_pair(self._var / "second-partner.key")


def app_id(hospital: CityHospital) -> str:
    return f"{hospital.institution_id}-his".lower()


def _app(hospital: CityHospital, public_key_hex: str) -> App:
    return App(
        app_id=app_id(hospital),
        institution=Institution(hospital.institution_id, hospital.name),
        is_active=True,
        scopes=DEMO_SCOPES,
        public_keys={KEY_ID: bytes.fromhex(public_key_hex)},
    )
