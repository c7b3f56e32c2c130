"""How far the upload is, as people look at it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class UploadProgress:
    """`sent`: how many uses the centre above has taken so far, each once, however often it went; `refused`:
    what it will never take.  `failures`: in a row, 0 when the last turn went well; the last failure stays to
    be seen.  `next_try_at` is None while nothing is wrong: then whatever waits goes within seconds."""

    is_set_up: bool
    sent: int
    waiting: int
    refused: int
    waiting_since: datetime | None
    sent_at: datetime | None
    failures: int
    failed_at: datetime | None
    failed_because: str | None
    next_try_at: datetime | None
