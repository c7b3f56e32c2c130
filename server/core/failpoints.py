"""Places where a test may kill the process: one before and one after each write to the database.

`core.mongo` calls `failpoint` around every write it makes, so no write can be without.  Armed by the
environment of a child process (`EHC_FAILPOINT=name:3` dies at the third passage); in production the
variable is refused at start-up and a passage costs one comparison.
"""

import os
import signal

_passages = 0
_name, _, _nth = os.environ.get("EHC_FAILPOINT", "").partition(":")
_nth_passage = int(_nth or 1)


def is_armed() -> bool:
    return bool(_name)


def failpoint(name: str) -> None:
    """Kills this process like a power cut (SIGKILL) when it is the armed place and its turn has come."""
    if name != _name:
        return
    global _passages
    _passages += 1
    if _passages >= _nth_passage:
        os.kill(os.getpid(), signal.SIGKILL)
