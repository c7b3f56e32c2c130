"""What an attachment is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attachment:
    """A picture an account uploaded; `card_id` is the claim it goes with, once it does."""

    attachment_id: str
    account_id: str
    media_type: str
    size_bytes: int
    card_id: str | None = None
