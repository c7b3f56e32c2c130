"""The outside sources (B6.2) as this centre has set them up, asked in one way."""

from dataclasses import dataclass

from server.gateways.bank import Bank
from server.gateways.card_register import CardRegister
from server.gateways.checks import Check
from server.gateways.mobile import MobileOperator
from server.gateways.real_name import RealNameAuthority
from server.identity.applicant import Applicant


@dataclass(frozen=True)
class OutsideSources:
    """None: not set up here."""

    authority: RealNameAuthority
    bank: Bank | None = None
    mobile: MobileOperator | None = None
    card_register: CardRegister | None = None

    @property
    def set_up(self) -> frozenset[str]:
        return frozenset(name for name, source in self.__dict__.items() if source is not None)

    async def ask(self, source: str, applicant: Applicant) -> Check:
        """The source's word; Unavailable `<peer>.unavailable` when it has none, ValueError for one that is
        not set up or was not given what it needs."""
        document = applicant.document
        who = applicant.name, document.id_type, document.number
        if source == "authority":
            return await self.authority.check(*who)
        if source == "mobile" and self.mobile is not None:
            return await self.mobile.check(*who, applicant.phone)
        if source == "bank" and self.bank is not None and applicant.bank_card_no is not None:
            return await self.bank.check(*who, applicant.bank_card_no, applicant.phone)
        if source == "card_register" and self.card_register is not None and applicant.physical_card_no:
            card = await self.card_register.check(applicant.physical_card_no, *who, applicant.phone)
            return Check(card.proves, card.serial_no)
        raise ValueError(f"{source} cannot be asked here")
