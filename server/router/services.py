"""What the router's handlers are given: the same names as a centre's, and only these."""

from dataclasses import dataclass

from server.core.health import Health
from server.core.observability import Metrics
from server.router.service import RouterService


@dataclass(frozen=True)
class RouterServices:
    federation: RouterService
    metrics: Metrics
    health: Health
