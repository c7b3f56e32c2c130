"""The holder of a physical resident health card 实体居民健康卡 (A3.1 (1)): the card tells who it is.

Whether it proves the name is the policy's to say (identity/real_name_policy.py).  Here it is looked at once
before, so that a card that was lost or given back is refused with a reason that helps.
"""

from server.core.errors import InvalidInput, Unavailable
from server.gateways.card_register import CardRegister
from server.identity.applicant import Applicant


class PhysicalCards:
    def __init__(self, register: CardRegister | None) -> None:
        self._register = register

    async def require_valid(self, applicant: Applicant) -> None:
        """Nothing when no card was named, or it is valid and the applicant's.

        InvalidInput `physical_card.refused` with detail.reason lost, cancelled, unknown (also for a card of
        somebody else: that it exists is nobody's business) or phone (not the one in the card's file).
        A register that is down, or not set up, refuses nothing: the proof waits for it, or does without.
        """
        if applicant.physical_card_no is None or self._register is None:
            return
        document = applicant.document
        try:
            card = await self._register.check(
                applicant.physical_card_no,
                applicant.name,
                document.id_type,
                document.number,
                applicant.phone,
            )
        except Unavailable:
            return
        if card.state != "valid" or not card.matches:
            raise _refused(card.state if card.matches else "unknown")
        if not card.phone_matches:
            raise _refused("phone")


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("physical_card.refused", "this card does not prove the claim", reason=reason)
