"""Is it alive, is it ready, how is it doing: for load balancers and Prometheus."""

from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from handlers.authentication import PublicHandler
from handlers.requests import Model, Ok, Picture, operation


class Alive(Model):
    status: Literal["ok"] = "ok"


class Live(PublicHandler):
    @operation("The process runs", reply=Alive)
    async def get(self) -> Ok:
        return Ok(Alive())


class Ready(PublicHandler):
    @operation("The process can do its work: it reaches its database and is not stopping", reply=Alive)
    async def get(self) -> Ok:
        await self.services.health.require_ready()
        return Ok(Alive())


class MetricsPage(PublicHandler):
    @operation("Counters for Prometheus; keep this route inside your network", media_type="text/plain")
    async def get(self) -> Picture:
        return Picture(generate_latest(self.services.metrics.registry), CONTENT_TYPE_LATEST)


ROUTES = [("/health/live", Live), ("/health/ready", Ready), ("/metrics", MetricsPage)]
