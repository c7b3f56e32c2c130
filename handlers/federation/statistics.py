from datetime import date

from handlers.federation.peers import PeerHandler
from handlers.requests import Model, Ok, operation
from server.router.model import RouteCount
from server.router.services import RouterServices


class StatisticsQuery(Model):
    since: date


class RouteCountView(Model):
    """`took`: how many answers came within 50, 100, … ms (`le_50` …), and slower than the last."""

    day: str
    asked_by: str
    issuer: str
    outcome: str
    count: int
    took: dict[str, int]

    @classmethod
    def of(cls, row: RouteCount) -> "RouteCountView":
        return cls(
            day=row.day.isoformat(),
            asked_by=row.asked_by,
            issuer=row.issuer,
            outcome=row.outcome,
            count=row.count,
            took=row.took,
        )


class StatisticsView(Model):
    routes: list[RouteCountView]


class Statistics(PeerHandler):
    services: RouterServices  # type: ignore[assignment]  # a route of the router alone

    @operation(
        "How often the asking centre's scans were passed on, and others' to it, by day and outcome",
        query=StatisticsQuery,
        reply=StatisticsView,
    )
    async def get(self, query: StatisticsQuery) -> Ok:
        rows = await self.services.federation.statistics(self.proven, query.since)
        return Ok(StatisticsView(routes=[RouteCountView.of(row) for row in rows]))


ROUTES = [("/federation/v1/statistics", Statistics)]
