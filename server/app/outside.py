"""The outside sources of identity, from the settings: each with its own address, name and secret."""

import structlog
from pydantic import SecretStr

from server.app.foundation import Foundation
from server.core.http import SharedSecretCaller
from server.gateways.bank import HttpBank
from server.gateways.card_register import HttpCardRegister
from server.gateways.civil import CivilRegister, HttpCivilRegister
from server.gateways.mobile import HttpMobileOperator
from server.gateways.real_name import HttpRealNameAuthority
from server.identity.proving import Proving
from server.identity.sources import OutsideSources

log = structlog.get_logger()
Access = tuple[str, str, str]


def _access(url: str | None, app_id: str | None, secret: SecretStr | None) -> Access | None:
    """Address, name, secret; None for a source this centre does without."""
    return (
        None if url is None or app_id is None or secret is None else (url, app_id, secret.get_secret_value())
    )


def outside_sources(base: Foundation) -> OutsideSources:
    settings, http, clock = base.settings, base.http, base.clock
    secret = settings.real_name_secret.get_secret_value()
    authority = SharedSecretCaller(
        http, "real_name", settings.real_name_url, settings.real_name_app_id, secret, clock
    )
    bank = _access(settings.bank_url, settings.bank_app_id, settings.bank_secret)
    mobile = _access(settings.mobile_url, settings.mobile_app_id, settings.mobile_secret)
    cards = _access(settings.card_register_url, settings.card_register_app_id, settings.card_register_secret)
    return OutsideSources(
        HttpRealNameAuthority(authority),
        bank=HttpBank(SharedSecretCaller(http, "bank", *bank, clock)) if bank else None,
        mobile=HttpMobileOperator(SharedSecretCaller(http, "mobile", *mobile, clock)) if mobile else None,
        card_register=(
            HttpCardRegister(SharedSecretCaller(http, "card_register", *cards, clock)) if cards else None
        ),
    )


def civil_register(base: Foundation) -> CivilRegister | None:
    """Who says which child is whose (C3); None: not set up here."""
    settings = base.settings
    civil = _access(settings.civil_url, settings.civil_app_id, settings.civil_secret)
    return HttpCivilRegister(SharedSecretCaller(base.http, "civil", *civil, base.clock)) if civil else None


async def report_missing_sources(proving: Proving) -> None:
    """Tells the log, when a process starts, of every source that the policy names and nobody has set up."""
    for channel, source in await proving.not_set_up():
        log.warning("real_name.source_not_set_up", channel=channel, source=source)
