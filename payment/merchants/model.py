"""What a merchant is."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Merchant:
    """`channels`: payment channel → the merchant's number there; empty until a channel is contracted, and
    nothing can be paid through a channel that is not in it."""

    merchant_id: str
    institution_id: str
    name: str
    opened_at: datetime
    channels: dict[str, str] = field(default_factory=dict)
