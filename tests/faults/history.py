"""What the clients saw: every operation, every attempt at it, and what became of it."""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["sign_in", "claim", "issue", "verify", "tell", "book", "cancel"]


@dataclass(frozen=True)
class Attempt:
    """One try.  `status` is None when no answer came: it may have happened or not."""

    status: int | None
    body: bytes = b""
    error: str | None = None


@dataclass
class Operation:
    """One thing a client wants, under one Idempotency-Key; `about` holds what the checkers compare with."""

    kind: Kind
    key: str
    about: dict[str, Any]
    attempts: list[Attempt] = field(default_factory=list)
    result: dict[str, Any] | None = None
    "The content of the first 2xx."

    @property
    def is_acknowledged(self) -> bool:
        return self.result is not None

    @property
    def refusal(self) -> str | None:
        """The code of the last answer when it refused for good."""
        last = self.attempts[-1] if self.attempts else None
        if self.is_acknowledged or last is None or last.status is None or is_to_retry(last):
            return None
        return last.error

    @property
    def is_unknown(self) -> bool:
        return not self.is_acknowledged and self.refusal is None


def is_to_retry(attempt: Attempt) -> bool:
    """No answer, an outage, or the first attempt still at work: a correct client asks again, same key."""
    return (
        attempt.status is None
        or attempt.status >= 500
        or attempt.status == 429
        or attempt.error == "idempotency.in_progress"
    )


class History:
    """Written by the client's thread, read by the run's."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._lock = threading.Lock()
        self.acknowledgements = 0
        "How many 2xx answers came, repeated ones included."
        self.unanswered = 0
        "How many attempts ended without an answer."

    def open(self, kind: Kind, key: str, **about: Any) -> Operation:
        operation = Operation(kind, key, about)
        with self._lock:
            self._operations.append(operation)
        return operation

    def note(self, operation: Operation, attempt: Attempt, content: dict[str, Any] | None = None) -> None:
        with self._lock:
            operation.attempts.append(attempt)
            if attempt.status is None:
                self.unanswered += 1
            elif attempt.status < 300:
                self.acknowledgements += 1
                if operation.result is None:
                    operation.result = content or {}

    @property
    def operations(self) -> list[Operation]:
        with self._lock:
            return list(self._operations)

    def of(self, kind: Kind) -> list[Operation]:
        return [operation for operation in self.operations if operation.kind == kind]

    def unknown(self) -> list[Operation]:
        return [operation for operation in self.operations if operation.is_unknown]

    @property
    def acknowledged(self) -> int:
        """Operations acknowledged at least once."""
        return sum(operation.is_acknowledged for operation in self.operations)
