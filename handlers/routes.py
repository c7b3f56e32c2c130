"""The table of routes: path → handler.  What is not here is not served."""

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import tornado.web
from tornado.httputil import ParseBodyConfig, ParseMultipartConfig, set_parse_body_config

from handlers import docs, health, openapi, pages
from handlers.base import ApiHandler, NotFoundHandler
from handlers.dialects import ehc, tencent
from handlers.federation import statistics
from handlers.federation import verifications as foreign_verifications
from handlers.partner import (
    admissions,
    examination_orders,
    fhir,
    keys,
    persons,
    prescriptions,
    queues,
    slot_pools,
    usage_events,
    verifications,
)
from handlers.partner import authorization_requests as partner_authorization_requests
from handlers.partner import cards as partner_cards
from handlers.partner import messages as partner_messages
from handlers.partner import sessions as partner_sessions
from handlers.partner import visits as partner_visits
from handlers.resident import (
    account,
    appointments,
    attachments,
    authorization_requests,
    cards,
    claim_options,
    examinations,
    institutions,
    lifecycle,
    medication_plans,
    message_credits,
    message_preferences,
    messages,
    sessions,
    sms_codes,
    visits,
)
from handlers.staff import accounts as staff_accounts
from handlers.staff import admissions as staff_admissions
from handlers.staff import (
    audit,
    claim_reviews,
    code_mappings,
    enrolment,
    hospital_systems,
    partners,
    policies,
    roles,
    security_events,
    usage_uploads,
)
from handlers.staff import cards as staff_cards
from handlers.staff import dialects as staff_dialects
from handlers.staff import merges as staff_merges
from handlers.staff import person_reviews as staff_person_reviews
from handlers.staff import persons as staff_persons
from handlers.staff import sessions as staff_sessions
from server.router.services import RouterServices
from server.services import Services

ROUTES: list[openapi.Route] = [
    *sms_codes.ROUTES,
    *sessions.ROUTES,
    *account.ROUTES,
    *cards.ROUTES,
    *lifecycle.ROUTES,
    *attachments.ROUTES,
    *claim_options.ROUTES,
    *messages.ROUTES,
    *institutions.ROUTES,
    *appointments.ROUTES,
    *message_preferences.ROUTES,
    *message_credits.ROUTES,
    *medication_plans.ROUTES,
    *authorization_requests.ROUTES,
    *visits.ROUTES,
    *examinations.ROUTES,
    *examination_orders.ROUTES,
    *partner_visits.ROUTES,
    *queues.ROUTES,
    *partner_sessions.ROUTES,
    *verifications.ROUTES,
    *usage_events.ROUTES,
    *persons.ROUTES,
    *fhir.ROUTES,
    *slot_pools.ROUTES,
    *staff_persons.ROUTES,
    *staff_person_reviews.ROUTES,
    *staff_merges.ROUTES,
    *partner_cards.ROUTES,
    *partner_authorization_requests.ROUTES,
    *prescriptions.ROUTES,
    *partner_messages.ROUTES,
    *admissions.ROUTES,
    *keys.ROUTES,
    *staff_admissions.ROUTES,
    *partners.ROUTES,
    *staff_dialects.ROUTES,
    *staff_sessions.ROUTES,
    *enrolment.ROUTES,
    *staff_accounts.ROUTES,
    *claim_reviews.ROUTES,
    *roles.ROUTES,
    *policies.ROUTES,
    *code_mappings.ROUTES,
    *usage_uploads.ROUTES,
    *audit.ROUTES,
    *staff_cards.ROUTES,
    *hospital_systems.ROUTES,
    *security_events.ROUTES,
    *foreign_verifications.ROUTES,
    *health.ROUTES,
]

# What existing hospital software calls, in envelopes of its own: docs/dialects.md instead of OpenAPI.
DIALECT_ROUTES: list[openapi.Route] = [
    *ehc.ROUTES,
    *tencent.ROUTES,
]

# What `ehc router` serves, and nothing else.
ROUTER_ROUTES: list[openapi.Route] = [
    *foreign_verifications.ROUTES,
    *statistics.ROUTES,
    *health.ROUTES,
]

MAX_REQUEST_BYTES = 1_000_000

# Tornado tries one pattern after another: what is asked most is tried first.
MOST_ASKED = frozenset({"/partner/v1/verifications", "/api/v1/cards/{card_id}/code"})


def application(
    services: Services,
    web_root: Path | None = None,
    proxies: frozenset[str] = frozenset(),
    console_root: Path | None = None,
) -> tornado.web.Application:
    """The HTTP application; `web_root` is the folder of the built pages, served at /, `console_root`
    that of the staff pages, served at /console/; `proxies` are the
    addresses whose X-Forwarded-For is believed."""
    described = _described()  # an unknown scope or permission stops the process here, not at the first call
    rules = _rules([*ROUTES, *DIALECT_ROUTES], services)
    rules += [
        _document(r"/openapi\.json", services, described.as_json, "application/json"),
        _document(r"/docs/?", services, described.as_page, "text/html"),
        _document(r"/docs/style\.css", services, docs.STYLE, "text/css"),
    ]
    if console_root is not None:
        files = {"path": str(console_root), "default_filename": "index.html"}
        rules.append(tornado.web.url(r"/console", tornado.web.RedirectHandler, {"url": "/console/"}))
        rules.append(tornado.web.url(r"/console/(.*)", pages.ConsolePages, files))
    if web_root is not None:
        files = {"path": str(web_root), "default_filename": "index.html"}
        rules.append(
            tornado.web.url(
                r"/((?!api/|partner/|fhir/|staff/|console(?:/|$)|federation/|health/|erhc/|rest/).*)",
                pages.WebPages,
                files,
            )
        )
    return _application(rules, services, proxies)


class Described(NamedTuple):
    as_json: str
    as_page: str


@cache
def _described() -> Described:
    """The routes described for programs and for people.  It takes half a second, so once a process."""
    return Described(openapi.as_json(ROUTES), docs.as_page(ROUTES))


def router_application(
    services: RouterServices, proxies: frozenset[str] = frozenset()
) -> tornado.web.Application:
    """The HTTP application of the national router."""
    return _application(_rules(ROUTER_ROUTES, services), services, proxies)


def _rules(routes: list[openapi.Route], services: Services | RouterServices) -> list[Any]:
    return [
        tornado.web.url(_pattern(path), _named(path, handler), {"services": services})
        for path, handler in sorted(routes, key=lambda route: route[0] not in MOST_ASKED)
    ]


def _application(
    rules: list[Any], services: Services | RouterServices, proxies: frozenset[str]
) -> tornado.web.Application:
    set_parse_body_config(ParseBodyConfig(multipart=ParseMultipartConfig(enabled=False)))
    return tornado.web.Application(
        rules,
        default_handler_class=NotFoundHandler,
        default_handler_args={"services": services},
        log_function=lambda _: None,  # `ApiHandler.on_finish` logs, by route and without identifiers
        compress_response=False,
        trusted_proxies=proxies,
    )


def _document(pattern: str, services: Services, content: str, media_type: str) -> Any:
    """A page made once, when the process starts."""
    known = {"services": services, "content": content, "media_type": media_type}
    return tornado.web.url(pattern, pages.Document, known)


def _pattern(path: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))


def _named(path: str, handler: type[ApiHandler]) -> type[ApiHandler]:
    """The handler, knowing the route it is called by: logs and metrics show that instead of ids."""
    return type(handler.__name__, (handler,), {"route_name": path})
