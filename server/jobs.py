"""The table: periodic job → interval → function.  APScheduler ticks; MongoDB decides who works.

Any number of workers run: what is due is claimed in the database, so two ticks at once do nothing twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from server.core.errors import EhcError
from server.core.observability import Metrics

log = structlog.get_logger()
Work = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Job:
    """`measures`: it changes nothing and fills this process's own `/metrics`, so every process does it."""

    name: str
    every_s: float
    work: Work
    measures: bool = False


def scheduler(jobs: list[Job], metrics: Metrics) -> AsyncIOScheduler:
    """A scheduler with its jobs in memory (a shared job store would run each job once per process)."""
    ticking = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        if job.measures:
            continue
        ticking.add_job(
            _guarded(job, metrics),
            "interval",
            seconds=job.every_s,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            id=job.name,
        )
    return ticking


async def keep_measuring(job: Job, metrics: Metrics) -> None:
    """Does it again and again, until the process ends."""
    measure = _guarded(job, metrics)
    while True:
        await measure()
        await asyncio.sleep(job.every_s)


def _guarded(job: Job, metrics: Metrics) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job.work()
        except asyncio.CancelledError:
            raise
        except Exception as failure:  # a job that fails is told of and tried again at its next tick
            metrics.job_failures.labels(job.name).inc()
            reason = failure.code if isinstance(failure, EhcError) else type(failure).__name__
            log.warning("job.failed", job=job.name, reason=reason)

    return run
