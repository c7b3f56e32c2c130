"""Logs as one JSON object a line, and counters for Prometheus.  Neither ever holds a personal field."""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from functools import cache, partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def _with_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = request_id.get()
    if current is not None:
        event.setdefault("request_id", current)
    return event


@cache
def _encode(default: Callable[[Any], Any]) -> Callable[[Any], str]:
    """Made once: `json.dumps` with options makes an encoder for each line."""
    return json.JSONEncoder(default=default).encode


def _line(event: MutableMapping[str, Any], *, default: Callable[[Any], Any]) -> str:
    return _encode(default)(event)


def configure_logging(level: str, *, for_good: bool = False) -> None:
    """Ours and the libraries' log lines go to stderr in one form.  `for_good`: loggers are made once, and do
    not hear of a later change.

    Call it after every import: python-alipay-sdk closes the handlers it finds."""
    shared: list[Any] = [
        _with_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_line)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("tornado.access", "urllib3", "pymongo", "wechatpy", "alipay"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


class Metrics:
    """What `/metrics` shows of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ehc_requests_total", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "ehc_request_seconds", "Time to answer", ["route"], registry=self.registry
        )
        self.scans = Counter(
            "ehc_scans_total", "Codes verified, by outcome", ["outcome"], registry=self.registry
        )
        self.routed = Counter(
            "ehc_routed_total",
            "Scans the router passed on",
            ["asked_by", "issuer", "outcome"],
            registry=self.registry,
        )
        self.routed_seconds = Histogram(
            "ehc_routed_seconds",
            "Time to the issuing centre's answer",
            ["asked_by", "issuer"],
            registry=self.registry,
        )
        gauge = partial(Gauge, registry=self.registry)
        self.outbox_waiting = gauge("ehc_outbox_waiting", "Documents with undelivered events")
        self.outbox_parked = gauge("ehc_outbox_parked", "Documents whose events failed for good")
        self.deliveries_waiting = gauge("ehc_deliveries_waiting", "Messages a channel has still to bring")
        self.deliveries_parked = gauge(
            "ehc_deliveries_parked", "Messages no channel can bring, for a person to see"
        )
        self.reminders_due = gauge("ehc_reminders_due", "Reminders whose time has come and that are not sent")
        self.reminders_parked = gauge(
            "ehc_reminders_parked", "Reminders that cannot be sent, for a person to see"
        )
        self.releases_owed = gauge("ehc_releases_owed", "Places at hospitals that are still to be given back")
        self.releases_refused = gauge(
            "ehc_releases_refused", "Of these, refused for a reason that is no reason; for a person to see"
        )
        self.uses_unsent = gauge("ehc_usage_unsent", "Uses the upper centre has not taken yet")
        self.uses_refused = gauge("ehc_usage_refused", "Uses the upper centre will not take")
        self.upload_lag_seconds = gauge("ehc_usage_upload_lag_seconds", "Age of the oldest use that waits")
        self.job_failures = Counter(
            "ehc_job_failures_total", "Periodic jobs that failed", ["job"], registry=self.registry
        )
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer; the labelled counters are looked up once, there are as many as routes."""
        key = (route, method, status)
        known = self._of_requests.get(key)
        if known is None:
            known = self.requests.labels(route, method, status), self.request_seconds.labels(route)
            self._of_requests[key] = known
        known[0].inc()
        known[1].observe(seconds)
