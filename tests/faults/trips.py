"""One visit of made-up people that passes every write a resident or a hospital can cause."""

import uuid
from typing import Any

from tests.faults.clients import Clients, Resident
from tests.faults.people import Person

PEOPLE_PER_TRIP = 8
PIN, WRONG_PINS = "405162", 2
ASSETS = ("records", "reports", "visits", "payments")
MISMATCHES = 5
USES_TOLD = 3


def by_pin(pin: str) -> dict[str, str]:
    return {"kind": "pin", "pin": pin}


class Trips:
    """Trips one after another; `people` are used up, eight a trip."""

    def __init__(self, clients: Clients, people: list[Person]) -> None:
        self._clients = clients
        self._waiting = list(people)
        self.holders: list[Resident] = []
        "Everybody who got a card so far."

    async def go(self) -> None:
        """Sign in by WeChat and by SMS, claim wrongly and rightly, show codes, have them read, sign out."""
        clients, person = self._clients, self._waiting.pop()
        await self._sign_in_by_wechat(person)
        resident = await clients.sign_in(person)
        if resident is None:
            return
        await clients.claim(resident, name=person.name + "误")
        await clients.claim(resident)
        await clients.claim(resident)
        if resident.card_id:
            self.holders.append(resident)
            await self._show_and_scan(resident)
            await clients.tell(resident.card_id, USES_TOLD)
            await self._take_in_the_family(resident, self._waiting.pop())
            await self._have_papers_looked_at(resident, self._waiting.pop())
        await self._visit_a_window(self._waiting.pop())
        await self._live_a_life(self._waiting.pop())
        await self._read_a_message()
        await self._guess_too_often(self._waiting.pop())
        await self._sign_out(self._waiting.pop())
        await self._merge_and_undo(self._waiting.pop(), resident.person)

    async def scan(self, resident: Resident) -> None:
        """One static code, read once."""
        code = await self._clients.show_code(resident, "static")
        if code is not None:
            await self._clients.verify(code)

    async def claim_for_later(self, number: int) -> None:
        """`number` claims; while the authority is down they stay pending.  Every second name is wrong."""
        for index in range(number):
            person = self._waiting.pop()
            resident = await self._clients.sign_in(person)
            if resident is not None:
                wrong = {"name": person.name + "误"} if index % 2 else {}
                await self._clients.claim(resident, **wrong)

    async def _sign_in_by_wechat(self, person: Person) -> None:
        """Without a number, which is then proven by a code; and with it: the account knows its phone."""
        clients = self._clients
        for more in ({}, {"phone_code": f"phone:{person.phone}:{uuid.uuid4().hex}"}):
            code = f"wx:{person.phone}:{uuid.uuid4().hex}"
            signed_in, content = await clients.ask(
                "POST", "/api/v1/sessions", {"method": "wechat", "code": code, **more}
            )
            sent, proof = await clients.sms_code(person.phone, "phone")
            if signed_in.status == 201 and sent.status == 202:
                await clients.ask("PUT", "/api/v1/account/phone", proof, token=content["token"])

    async def _show_and_scan(self, resident: Resident) -> None:
        clients = self._clients
        code = await clients.show_code(resident)
        if code is not None:
            await clients.verify(code, scene="0101051")
            await clients.verify(code)
        await self.scan(resident)
        await clients.reopen_session()

    async def _take_in_the_family(self, resident: Resident, parent: Person) -> None:
        """A new card for a parent in the resident's account, with the parent's consent."""
        await self._clients.claim_parent(resident, parent)

    async def _visit_a_window(self, visitor: Person) -> None:
        """A card given out, printed again, and taken over by its holder at home."""
        await self._clients.issue(visitor)
        await self._clients.issue(visitor)
        resident = await self._clients.sign_in(visitor)
        if resident is not None:
            await self._clients.claim(resident)

    async def _have_papers_looked_at(self, resident: Resident, ward: Person) -> None:
        """A guardian's papers for somebody without a card, another's for the card that is there by then; a
        reviewer approves both."""
        for guardian in (resident, *self.holders[:1]):
            await self._show_papers(guardian, ward)

    async def _show_papers(self, resident: Resident, ward: Person) -> None:
        clients = self._clients
        paper = await clients.upload(resident)
        if paper is None:
            return
        proof = {"kind": "guardianship", "attachment_id": paper}
        claim = await clients.claim_for(resident, ward, relation="ward", relation_proof=proof)
        if claim.result is not None and claim.result["status"] == "pending":
            path = f"/staff/v1/claim-reviews/{claim.result['card_id']}/decision"
            await clients.staff_ask(2, path, {"decision": "approve", "reason": "the order was seen"})

    async def _merge_and_undo(self, person: Person, known: Person) -> None:
        """A hospital registers two, one of them under a name that is not his; staff merge and un-merge."""
        clients, ids = self._clients, []
        for one in (person, known):
            entry = {key: value for key, value in one.application().items() if key != "relation"}
            number = uuid.uuid4().hex
            told = await clients.hospital_ask(
                "POST", "/partner/v1/persons", {**entry, "hospital_patient_no": number}
            )
            ids.append(told.get("person_id"))
            query = [("source", f"institution-a|{number}")]
            await clients.hospital_ask("GET", "/partner/v1/pix", query=query)
        doubted = {key: value for key, value in person.application().items() if key != "relation"}
        asked = await clients.hospital_ask(
            "POST", "/partner/v1/persons", {**doubted, "name": person.name + "误"}
        )
        if not all(ids):
            return
        binding = {"person_id": ids[0], "hospital_patient_no": uuid.uuid4().hex}
        await clients.hospital_ask("POST", "/partner/v1/patients", binding)
        if asked.get("review_id"):
            decision = {"decision": "same", "person_id": ids[0], "reason": "a slip of the pen"}
            path = f"/staff/v1/person-reviews/{asked['review_id']}/decision"
            await clients.staff_ask(0, path, decision)
        for is_undone in (True, False):
            await self._merge(ids[0], ids[1], is_undone=is_undone)

    async def _merge(self, absorbed_id: str, survivor_id: str, *, is_undone: bool) -> None:
        ask = self._clients.staff_ask
        proposal = {"absorbed_id": absorbed_id, "survivor_id": survivor_id, "reason": "one and the same"}
        made, merge = await ask(0, "/staff/v1/merges", proposal)
        if made.status != 201:
            return
        path = f"/staff/v1/merges/{merge['merge_id']}"
        await ask(1, f"{path}/approval")
        if is_undone:
            await ask(0, f"{path}/reversal", {"reason": "two after all"})
            await ask(1, f"{path}/reversal/approval")

    async def _live_a_life(self, person: Person) -> None:
        """A card of its own: lost, a PIN set by a code to its phone, wrong and right PINs, reissued, over."""
        clients = self._clients
        resident = await clients.sign_in(person)
        if resident is None or (await clients.claim(resident)).result is None or not resident.card_id:
            return
        card = f"/api/v1/cards/{resident.card_id}"

        async def ask(method: str, path: str, body: Any = None) -> Any:
            return await clients.ask(method, path, body, token=resident.token, key=uuid.uuid4().hex)

        await ask("POST", f"{card}/transitions", {"action": "report_lost"})
        sent, content = await ask("POST", f"{card}/factor-codes")
        if sent.status == 202:
            code = await clients.last_sms_code(person.phone)
            factor = {"kind": "sms", "request_id": content["request_id"], "code": code}
            await ask("PUT", f"{card}/pin", {"pin": PIN, "factor": factor})
        preferences = {
            "shows": "static",
            "static_needs_pin": True,
            "privacy": dict.fromkeys(ASSETS, "closed"),
        }
        await ask("PUT", f"{card}/preferences", preferences)
        for _ in range(WRONG_PINS):
            await ask("POST", f"{card}/transitions", {"action": "reissue", "factor": by_pin("730518")})
        for action in ("reactivate", "reissue", "cancel"):
            await ask("POST", f"{card}/transitions", {"action": action, "factor": by_pin(PIN)})

    async def _read_a_message(self) -> None:
        if not self.holders:
            return
        token = self.holders[0].token
        attempt, content = await self._clients.ask("GET", "/api/v1/messages?limit=50", token=token)
        if attempt.status == 200 and content["messages"]:
            path = f"/api/v1/messages/{content['messages'][0]['message_id']}/read"
            await self._clients.ask("POST", path, token=token)

    async def _guess_too_often(self, person: Person) -> None:
        """The sixth wrong name is refused before anything is tried, and its key stays free."""
        resident = await self._clients.sign_in(person)
        if resident is None:
            return
        body = {**person.application(), "name": person.name + "误"}
        for _ in range(MISMATCHES + 1):
            await self._clients.ask("POST", "/api/v1/cards", body, token=resident.token, key=uuid.uuid4().hex)

    async def _sign_out(self, person: Person) -> None:
        resident = await self._clients.sign_in(person, signed_out=True)
        if resident is not None:
            await self._clients.ask("DELETE", "/api/v1/sessions/current", token=resident.token)
