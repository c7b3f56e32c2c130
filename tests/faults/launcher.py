"""Starts `ehc` with a fault built in that the product has no switch for, on purpose.

python -m tests.faults.launcher unsafe-writes serve       w:1 and no journal: must be seen to lose
python -m tests.faults.launcher no-driver-retry serve     the driver gives up at the first broken connection,
                                                          so that ambiguity reaches our own code
"""

import functools
import sys
from typing import Any

from server import app as composition
from server.__main__ import main
from server.core import mongo


def unsafe_writes() -> None:
    composition.build = functools.partial(composition.build, unsafe_writes=True)


def no_driver_retry() -> None:
    connect = mongo.MotorClient

    def without_retries(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{**options, "retryWrites": False, "retryReads": False})

    mongo.MotorClient = without_retries


FAULTS = {"unsafe-writes": unsafe_writes, "no-driver-retry": no_driver_retry}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    main()
