"""Starts `ehc` with a fault built in that the product has no switch for, on purpose.

python -m tests.faults.launcher unsafe-writes serve       w:1 and no journal: must be seen to lose
python -m tests.faults.launcher no-driver-retry serve     the driver gives up at the first broken connection,
                                                          so that ambiguity reaches our own code
python -m tests.faults.launcher pause-after-claim worker  stops itself (SIGSTOP) whenever it has claimed
                                                          reminders and not written anything yet
python -m tests.faults.launcher upload-alone worker       does nothing but upload uses, without a pause
python -m tests.faults.launcher pause-before-send worker  so, and stops itself whenever it is about to send
"""

import functools
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from push.reminders.model import Reminder
from push.reminders.scheduler import ReminderScheduler, Settled
from server import app as composition
from server.__main__ import main
from server.core import mongo
from server.gateways.upper_centre import HttpUpperCentre, UploadedUse
from server.jobs import Job


def unsafe_writes() -> None:
    composition.build = functools.partial(composition.build, unsafe_writes=True)


def no_driver_retry() -> None:
    connect = mongo.MotorClient

    def without_retries(*arguments: Any, **options: Any) -> Any:
        return connect(*arguments, **{**options, "retryWrites": False, "retryReads": False})

    mongo.MotorClient = without_retries


def pause_after_claim() -> None:
    settled = ReminderScheduler._settled

    async def stopping(self: ReminderScheduler, rows: Sequence[Reminder]) -> Settled:
        found = await settled(self, rows)
        if len(rows) > 1:  # not again, when it looks at them one by one
            os.kill(os.getpid(), signal.SIGSTOP)
        return found

    ReminderScheduler._settled = stopping  # type: ignore[method-assign]


def upload_alone() -> None:
    every_job = composition._jobs

    def one(*parts: Any) -> list[Job]:
        return [replace(job, every_s=0.1) for job in every_job(*parts) if job.name == "usage_upload"]

    composition._jobs = one


def pause_before_send() -> None:
    upload_alone()
    take = HttpUpperCentre.take

    async def stopping(self: HttpUpperCentre, fence: int, uses: Sequence[UploadedUse]) -> Mapping[str, str]:
        os.kill(os.getpid(), signal.SIGSTOP)
        return await take(self, fence, uses)

    HttpUpperCentre.take = stopping  # type: ignore[method-assign]


FAULTS = {
    "unsafe-writes": unsafe_writes,
    "no-driver-retry": no_driver_retry,
    "pause-after-claim": pause_after_claim,
    "upload-alone": upload_alone,
    "pause-before-send": pause_before_send,
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    main()
