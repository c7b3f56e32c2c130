"""Every setting, typed, from the environment and from nowhere else.

`load()` reports everything that is missing or wrong at once, one line each.  Sandbox and production differ
by addresses and keys only; with ENVIRONMENT=production, plain HTTP and loopback partners are refused.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

NO_MASTER_KEY = "MASTER_KEY or MASTER_KEY_FILE is not set: `ehc keys master FILE` makes one"
# Outside sources a centre may do without: url, name and secret come together or not at all.
OPTIONAL_SOURCES = ("mobile", "bank", "card_register", "civil")
PARTNER_URLS = (
    "sms_url",
    "real_name_url",
    *(f"{source}_url" for source in OPTIONAL_SOURCES),
    "wechat_url",
    "alipay_gateway_url",
    "router_url",
    "upper_url",
)


class SettingsError(Exception):
    """One line for each setting that is missing or wrong."""


class ProcessSettings(BaseSettings):
    """What every serving process needs, a centre's and the national router's."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    environment: Literal["production", "staging", "demo", "test"] = Field(
        "production", description="production refuses sandboxes, made-up ID numbers and unsafe set-ups"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")

    mongodb_uri: SecretStr = Field(description="a replica set, or routers to a sharded cluster")
    mongodb_database: str = Field("ehc", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="name of the database")
    master_key: SecretStr | None = Field(
        None, description="32 hex digits; wraps every other key. This or MASTER_KEY_FILE"
    )
    master_key_file: Path | None = Field(None, description="a file of mode 600 that holds the master key")
    sm2_provider: Literal["auto", "openssl", "gmssl-pyx"] = Field(
        "auto", description="who computes SM2; auto takes OpenSSL 3 when it passes the self-test"
    )

    http_host: str = Field("127.0.0.1", description="address `ehc serve` or `ehc router` listens on")
    http_port: int = Field(8080, ge=1, le=65535, description="port `ehc serve` or `ehc router` listens on")
    trusted_proxies: str = Field(
        "", description="addresses of our own proxies, with commas; only their X-Forwarded-For is believed"
    )

    @property
    def proxies(self) -> frozenset[str]:
        return frozenset(address.strip() for address in self.trusted_proxies.split(",") if address.strip())

    @property
    def is_production(self) -> bool:
        return self.environment == "production"


class Settings(ProcessSettings):
    web_root: Path | None = Field(None, description="folder of the built web pages; none: API only")
    console_root: Path | None = Field(
        None, description="folder of the built staff pages, served at /console/; none: they are elsewhere"
    )

    centre_id: str = Field(
        "0000A0001", pattern=r"^[0-9A-Z]{4,16}$", description="EHCAPPID of this card centre, in every code"
    )
    code_refresh_seconds: int = Field(60, ge=10, le=300, description="life of a dynamic code (A3.3)")
    partner_window_seconds: int = Field(
        300, ge=30, le=300, description="how far a partner's clock may be off (±)"
    )
    session_days: int = Field(7, ge=1, le=90, description="days a resident stays signed in")
    sms_per_hour: int = Field(
        5, ge=1, le=1000, description="SMS codes one phone number may ask for in an hour"
    )

    sms_url: str = Field(description="base URL of the SMS gateway")
    sms_app_id: str = Field(description="our name at the SMS gateway")
    sms_secret: SecretStr = Field(description="shared secret with the SMS gateway")
    real_name_url: str = Field(description="base URL of the real-name authority")
    real_name_app_id: str = Field(description="our name at the real-name authority")
    real_name_secret: SecretStr = Field(description="shared secret with the real-name authority")
    mobile_url: str | None = Field(None, description="base URL of the mobile operator; none: it is not asked")
    mobile_app_id: str | None = Field(None, description="our name at the mobile operator")
    mobile_secret: SecretStr | None = Field(None, description="shared secret with the mobile operator")
    bank_url: str | None = Field(None, description="base URL of the bank; none: it is not asked")
    bank_app_id: str | None = Field(None, description="our name at the bank")
    bank_secret: SecretStr | None = Field(None, description="shared secret with the bank")
    card_register_url: str | None = Field(
        None, description="base URL of the register of physical health cards; none: it is not asked"
    )
    card_register_app_id: str | None = Field(
        None, description="our name at the register of physical health cards"
    )
    card_register_secret: SecretStr | None = Field(
        None, description="shared secret with the register of physical health cards"
    )
    civil_url: str | None = Field(None, description="base URL of the civil register; none: it is not asked")
    civil_app_id: str | None = Field(None, description="our name at the civil register")
    civil_secret: SecretStr | None = Field(None, description="shared secret with the civil register")

    wechat_url: str = Field("https://api.weixin.qq.com", description="base URL of the WeChat API")
    wechat_app_id: str | None = Field(
        None, description="id of the WeChat mini-program; none: no WeChat login"
    )
    wechat_app_secret: SecretStr | None = Field(None, description="secret of the WeChat mini-program")
    alipay_gateway_url: str = Field("https://openapi.alipay.com/gateway.do", description="the Alipay gateway")
    alipay_app_id: str | None = Field(
        None, description="id of the Alipay mini-program; none: no Alipay login"
    )
    alipay_app_private_key_file: Path | None = Field(None, description="PEM of our RSA2 key")
    alipay_public_key_file: Path | None = Field(None, description="PEM of Alipay's RSA2 public key")

    router_url: str | None = Field(
        None, description="base URL of the national router; none: other centres' cards are unknown"
    )
    router_keys: str = Field(
        "",
        pattern=r"^([A-Za-z0-9]{1,16}:[0-9A-Fa-f]{130}(,|$))*$",
        description="the router's SM2 public keys as `ehc router key` prints them, with commas",
    )
    router_anchor: str | None = Field(
        None,
        pattern=r"^[0-9A-Fa-f]{130}$",
        description="SM2 public key, 130 hex digits, that signs the certificates of centres",
    )

    upper_url: str | None = Field(
        None, description="base URL of the centre above, which takes our uses of cards; none: they stay here"
    )
    upper_keys: str = Field(
        "",
        pattern=r"^([A-Za-z0-9]{1,16}:[0-9A-Fa-f]{130}(,|$))*$",
        description="SM2 public keys of the centre above, as key id:130 hex digits, with commas",
    )

    @property
    def allows_test_numbers(self) -> bool:
        """ID numbers of region 99xxxx belong to nobody; outside production they stand for people."""
        return not self.is_production


S = TypeVar("S", bound=ProcessSettings)


def load(**overrides: object) -> Settings:
    """The settings of this process; SettingsError names everything that is missing or wrong."""
    settings = _loaded(Settings, overrides)
    problems = _contradictions(settings)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def load_router(**overrides: object) -> ProcessSettings:
    """The same for a process of the national router."""
    settings = _loaded(ProcessSettings, overrides)
    if settings.master_key is None and settings.master_key_file is None:
        raise SettingsError(NO_MASTER_KEY)
    return settings


def _loaded(kind: type[S], overrides: Mapping[str, object]) -> S:
    try:
        return kind(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [_line(problem) for problem in error.errors()]
        if not {"MASTER_KEY", "MASTER_KEY_FILE"} & {*os.environ, *map(str.upper, overrides)}:
            lines.append(NO_MASTER_KEY)
        raise SettingsError("\n".join(lines)) from None


def _line(problem: object) -> str:
    assert isinstance(problem, dict)
    name = ".".join(str(part) for part in problem["loc"]).upper()
    if problem["type"] == "missing":
        field = Settings.model_fields[str(problem["loc"][0])]
        return f"{name} is not set: {field.description}"
    return f"{name} is wrong: {problem['msg']}"


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if settings.master_key is None and settings.master_key_file is None:
        problems.append(NO_MASTER_KEY)
    for platform, names in {
        "wechat_app_id": ("wechat_app_secret",),
        "alipay_app_id": ("alipay_app_private_key_file", "alipay_public_key_file"),
        **{f"{source}_url": (f"{source}_app_id", f"{source}_secret") for source in OPTIONAL_SOURCES},
        "router_url": ("router_keys", "router_anchor"),
        "upper_url": ("upper_keys",),
    }.items():
        if getattr(settings, platform) is not None:
            problems += [
                f"{name.upper()} is not set: {platform.upper()} needs it"
                for name in names
                if getattr(settings, name) in (None, "")
            ]
    if settings.is_production:
        problems += [
            f"{name.upper()} is refused in production: {reason}"
            for name in PARTNER_URLS
            if (url := getattr(settings, name)) is not None and (reason := unsafe_url(url))
        ]
    return problems


def unsafe_url(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme != "https":
        return "it is not https"
    host = parts.hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = host not in ("", "localhost") and not host.endswith((".local", ".localhost"))
    return None if public else "it is not a public address"


def as_markdown() -> str:
    """The settings table of docs/operations.md."""
    lines = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = (
            "**required**" if field.is_required() else "—" if field.default is None else f"`{field.default}`"
        )
        lines.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
