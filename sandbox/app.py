"""Puts the stand-ins together: settings → services → one Tornado application."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler, StaticFileHandler

from sandbox.alipay import AlipayGateway
from sandbox.bank import Bank
from sandbox.card_register import CardRegister
from sandbox.civil import CivilRegister
from sandbox.config import SandboxConfig, parse_config
from sandbox.control import ControlRoom
from sandbox.his import HospitalSystem
from sandbox.hospital import HospitalTerminal
from sandbox.kiosk import Kiosk
from sandbox.mobile import MobileOperator
from sandbox.pages import ASSETS, page
from sandbox.real_name import RealNameAuthority
from sandbox.service import Answer, Clock, FaultDoors, Route, SandboxHandler
from sandbox.signed import SignatureCheck
from sandbox.sms import SmsGateway
from sandbox.staff import Authenticators
from sandbox.upper_centre import UpperCentre
from sandbox.wechat import WechatPlatform

SOURCES = ("real_name", "mobile", "bank", "card_register", "civil")
SERVICES = ("wechat", "alipay", "sms", *SOURCES, "hospital", "his", "upper_centre")
MAX_BODY_BYTES = 12_000_000

logger = logging.getLogger("sandbox")


def make_app(config: SandboxConfig | Mapping[str, Any], now: Clock = time.time) -> Application:
    """The application, not yet listening. Raises ConfigError for settings that cannot be used."""
    if not isinstance(config, SandboxConfig):
        config = parse_config(config)
    served = [service for service in SERVICES if getattr(config, service) is not None]
    doors = FaultDoors(served)
    routes = [
        *_service_routes(config, now),
        *ControlRoom(doors).routes(),
        _first_page(served, bool(config.staff)),
    ]
    handlers = [URLSpec(route.path, SandboxHandler, {"route": route, "doors": doors}) for route in routes]
    handlers.append(URLSpec(r"/assets/(.*)", StaticFileHandler, {"path": str(ASSETS)}))
    return Application(handlers, log_function=_log_request)


def _service_routes(config: SandboxConfig, now: Clock) -> list[Route]:
    routes: list[Route] = []
    if config.wechat:
        routes += WechatPlatform(config.wechat, now).routes()
    if config.alipay:
        routes += AlipayGateway(config.alipay, now).routes()
    if config.sms:
        routes += SmsGateway(now).routes(SignatureCheck(config.sms, now))
    if config.real_name:
        routes += RealNameAuthority(config.persons).routes(SignatureCheck(config.real_name, now))
    if config.mobile:
        routes += MobileOperator(config.persons).routes(SignatureCheck(config.mobile, now))
    if config.bank:
        routes += Bank(config.bank_cards).routes(SignatureCheck(config.bank, now))
    if config.card_register:
        routes += CardRegister(config.physical_cards).routes(SignatureCheck(config.card_register, now))
    if config.civil:
        routes += CivilRegister(config.families).routes(SignatureCheck(config.civil, now))
    if config.staff:
        routes += Authenticators(config.staff, now).routes()
    if config.hospital:
        terminal = HospitalTerminal(config.hospital, now)
        routes += [*terminal.routes(), *Kiosk(terminal).routes()]
    if config.upper_centre:
        routes += UpperCentre(config.upper_centre, now).routes()
    if config.his:
        routes += HospitalSystem(config.his, now).routes()
    return routes


def _first_page(served: list[str], has_staff: bool) -> Route:
    def show(request: HTTPServerRequest) -> Answer:
        return page("index.html", served=served, has_staff=has_staff)

    return Route("/", {"GET": show})


def _log_request(handler: RequestHandler) -> None:
    # Tornado's own line holds the query, where WeChat carries its secret.
    request = handler.request
    logger.debug("%s %s %d", request.method, request.path, handler.get_status())
