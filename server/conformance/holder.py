"""A made-up resident of a sandbox: signs in, claims a card, shows its code, answers a terminal."""

import re
from collections.abc import Mapping
from typing import Any

from server.conformance.client import Failed, Web


class Holder:
    def __init__(self, web: Web, sms_url: str, resident: Mapping[str, str]) -> None:
        self._web = web
        self._sms_url = sms_url
        self._resident = resident
        self._token: str | None = None
        self._card_id = ""
        self.refresh_s = 60

    async def _signed_in(self) -> tuple[str, str]:
        """(token, card); signs in and claims the card at the first call."""
        if self._token is None:
            phone = self._resident["phone"]
            asked = (await self._web.ask("POST", "/api/v1/sms-codes", {"phone": phone})).must_be(202).json
            inbox = (await self._web.ask("GET", f"{self._sms_url}/messages?phone={phone}")).must_be(200).json
            found = re.findall(r"\b[0-9]{6}\b", str(inbox["messages"][-1]["text"]))
            login = {"method": "sms", "phone": phone, "code": found[0], "request_id": asked["request_id"]}
            token = str((await self._web.ask("POST", "/api/v1/sessions", login)).must_be(201).json["token"])
            claim = {**self._resident, "relation": "self"}
            claimed = await self._web.ask("POST", "/api/v1/cards", claim, token)
            if "card_id" not in claimed.json or claimed.json.get("status") != "active":
                raise Failed(f"the made-up resident has no card: {claimed.status}")
            self._token, self._card_id = token, str(claimed.json["card_id"])
        return self._token, self._card_id

    async def code(self, kind: str = "dynamic") -> str:
        token, card_id = await self._signed_in()
        told = await self._web.ask("GET", f"/api/v1/cards/{card_id}/code?kind={kind}", token=token)
        shown = told.must_be(200).json
        self.refresh_s = int(shown["refresh_seconds"] or self.refresh_s)
        return str(shown["text"])

    async def answer(self, request_id: str, *, approves: bool) -> None:
        token, card_id = await self._signed_in()
        path = f"/api/v1/authorization-requests/{request_id}/{'approval' if approves else 'refusal'}"
        content: Any = {"card_id": card_id} if approves else {}
        (await self._web.ask("POST", path, content, token)).must_be(204)
