"""The types of identity documents (B1.2 ③): what each says about its holder and where it is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass

RESIDENT_ID_CARD = "01"  # 居民身份证
HOUSEHOLD_REGISTER = "02"  # 居民户口簿
PASSPORT = "03"  # 护照
MILITARY_OFFICER = "04"  # 军官证
HK_MACAO_TRAVEL_PERMIT = "06"  # 港澳居民来往内地通行证
TAIWAN_TRAVEL_PERMIT = "07"  # 台湾居民来往大陆通行证
BIRTH_CERTIFICATE = "08"  # 出生医学证明
HK_MACAO_RESIDENCE_PERMIT = "09"  # 港澳居民居住证
TAIWAN_RESIDENCE_PERMIT = "10"  # 台湾居民居住证
RETURNED_OVERSEAS_CHINESE = "11"  # 归国华侨证
SOCIAL_SECURITY_CARD = "12"  # 社会保障卡
VISIT_CARD = "13"  # 就诊卡
BANK_CARD = "14"  # 银行卡


@dataclass(frozen=True)
class DocumentType:
    """`tells_particulars`: the number itself says birthday and sex.  `proves_identity`: a state issued it to
    one person, so its number may find that person exactly; the others only help to tell people apart."""

    code: str
    name: str
    tells_particulars: bool
    claimable_online: bool
    readable_at_window: bool
    proves_identity: bool

    @property
    def needs(self) -> tuple[str, ...]:
        """The particulars the holder must give besides name and number, as the API calls them."""
        return () if self.tells_particulars else ("gender", "birth_on")


def _table(*rows: tuple[str, str, bool, bool, bool, bool]) -> dict[str, DocumentType]:
    return {row[0]: DocumentType(*row) for row in rows}


# Columns: tells birthday and sex, claimable online, readable at a window, proves identity.
DOCUMENT_TYPES: Mapping[str, DocumentType] = _table(
    (RESIDENT_ID_CARD, "resident identity card", True, True, True, True),
    (HOUSEHOLD_REGISTER, "household register", True, True, True, True),
    (PASSPORT, "passport", False, True, True, True),
    (MILITARY_OFFICER, "military officer's certificate", False, True, True, True),
    (HK_MACAO_TRAVEL_PERMIT, "mainland travel permit, Hong Kong and Macao", False, True, True, True),
    (TAIWAN_TRAVEL_PERMIT, "mainland travel permit, Taiwan", False, True, True, True),
    (BIRTH_CERTIFICATE, "birth medical certificate", False, True, True, True),
    (HK_MACAO_RESIDENCE_PERMIT, "residence permit, Hong Kong and Macao", True, True, True, True),
    (TAIWAN_RESIDENCE_PERMIT, "residence permit, Taiwan", True, True, True, True),
    (RETURNED_OVERSEAS_CHINESE, "returned overseas Chinese certificate", False, True, True, True),
    # These are handed to whoever pays or is insured; a mother's card lies in her child's file.
    (SOCIAL_SECURITY_CARD, "social security card", False, False, True, False),
    (VISIT_CARD, "hospital visit card", False, False, True, False),
    (BANK_CARD, "bank card", False, False, True, False),
)
