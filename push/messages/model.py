"""What a message is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Message:
    """`data` holds what a page may want to show by itself (place, time, ids); never a personal field."""

    message_id: str
    account_id: str
    kind: str
    title: str
    text: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None = None
