"""Sees every command the driver sends to MongoDB while it is told to look."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring


class CommandRecorder(monitoring.CommandListener):
    """Registered once for the run, because the driver has no way to take a listener out again."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self._is_looking = False

    @contextmanager
    def looking(self) -> Iterator[list[dict[str, Any]]]:
        self.commands, self._is_looking = [], True
        try:
            yield self.commands
        finally:
            self._is_looking = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self._is_looking:
            self.commands.append({"command": event.command_name, **event.command})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


RECORDER = CommandRecorder()
monitoring.register(RECORDER)
