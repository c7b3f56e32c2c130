"""Places where a test may kill the process: one before and one after each write to the database.

`core.mongo` calls `failpoint` around every write it makes, so no write can be without.  Two variables of the
environment, meant for the child processes of a test and refused at start-up in production:

* `EHC_FAILPOINT=name:3` dies at the third passage of `name`.
* `EHC_FAILPOINT_RECORD=file` appends the name of every place passed to `file`, one a line, so that a test
  learns which places there are from a run and not from a list kept by hand.

Without them a passage costs two comparisons.
"""

import os
import signal
from pathlib import Path

_name, _, _nth = os.environ.get("EHC_FAILPOINT", "").partition(":")
_nth_passage = int(_nth or 1)
_record = os.environ.get("EHC_FAILPOINT_RECORD", "")
_passages = 0


def is_armed() -> bool:
    return bool(_name or _record)


def failpoint(name: str) -> None:
    """Kills this process like a power cut (SIGKILL) when it is the armed place and its turn has come."""
    if _record:
        with Path(_record).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    if name != _name:
        return
    global _passages
    _passages += 1
    if _passages >= _nth_passage:
        os.kill(os.getpid(), signal.SIGKILL)
