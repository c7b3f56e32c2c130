"""The sandbox's settings: one JSON object, a section per service; without its section a service is absent."""

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

Text = Annotated[str, StringConstraints(min_length=1)]
PrivateKeyHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
PublicKeyHex = Annotated[str, StringConstraints(pattern=r"^04[0-9a-fA-F]{128}$")]


class ConfigError(Exception):
    """The settings cannot be used; the text is one sentence for the person who wrote them."""


class Section(BaseModel):
    """Settings that refuse a name they do not know, so a typing error cannot switch a service off."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(BaseModel):
    """Somebody by name and document; other fields are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Text
    id_type: Text = "01"
    id_no: Text

    @property
    def document(self) -> tuple[str, str]:
        """What tells people apart.  The household register (02) carries the number of the identity card."""
        return ("01" if self.id_type == "02" else self.id_type, self.id_no.upper())

    def is_same_as(self, other: "Named") -> bool:
        """The same document, and the name character by character, as real registers compare."""
        return self.document == other.document and self.name == other.name


class Person(Named):
    """A resident the real-name authority knows; the mobile operator has the phone registered to them."""

    phone: str | None = None


class BankCard(Named):
    """An account the bank knows, opened with this phone."""

    card_no: Text
    phone: Text
    kind: Literal["I", "II", "III", "credit"] = "I"


class PhysicalCard(Named):
    """A physical resident health card, and the phone in its file."""

    card_no: Text
    phone: Text
    state: Literal["valid", "lost", "cancelled"] = "valid"


class StaffMember(BaseModel):
    """Somebody of the card centre, with what stands for the authenticator in the pocket."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login_name: Text
    name: Text
    roles: list[str]
    password: Text
    totp_secret: Text


class Family(BaseModel):
    """A child, the parents on its birth certificate, and the household register they all stand in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    birth_certificate_no: Text
    household_no: Text
    child: Named
    parents: list[Named]


class Wechat(Section):
    """`templates` lists the fields of each subscription-message template; empty accepts every template."""

    app_id: Text
    secret: Text
    templates: dict[str, list[str]] = {}


class Alipay(Section):
    """The app's public key (its requests) and the gateway's private key (our answers), both PEM."""

    app_id: Text
    app_public_key_pem: Text
    alipay_private_key_pem: Text


class SignedCaller(Section):
    """The one caller a signed service admits."""

    app_id: Text
    secret: Text


class Hospital(Section):
    """A hospital admitted to the platform, and the one terminal its page stands for."""

    api: Text
    app_id: Text
    key_id: Text
    private_key_hex: PrivateKeyHex
    platform_public_key_hex: PublicKeyHex
    terminal_id: Text
    institution_name: Text
    terminal_name: str = ""
    channel: str = "0100"

    @field_validator("api")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must be an http or https address")
        return value.rstrip("/")


class SignedBothWays(Section):
    """Somebody whom the platform calls as `centre_id`, signed with its key; ours signs the answers."""

    private_key_hex: PrivateKeyHex
    platform_public_key_hex: PublicKeyHex
    centre_id: Text


class His(SignedBothWays):
    """A hospital with a system of its own: its key signs what it tells the platform, too."""

    api: Text
    app_id: Text
    key_id: Text
    institution_name: Text


class UpperCentre(SignedBothWays):
    """The centre above, which takes uses of cards."""


class SandboxConfig(Section):
    """Everything the process needs. `persons` is a list, or the path of a JSON file that holds one."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    wechat: Wechat | None = None
    alipay: Alipay | None = None
    sms: SignedCaller | None = None
    real_name: SignedCaller | None = None
    mobile: SignedCaller | None = None
    bank: SignedCaller | None = None
    card_register: SignedCaller | None = None
    civil: SignedCaller | None = None
    hospital: Hospital | None = None
    his: His | None = None
    upper_centre: UpperCentre | None = None
    persons: list[Person] = []
    bank_cards: list[BankCard] = []
    physical_cards: list[PhysicalCard] = []
    families: list[Family] = []
    staff: list[StaffMember] = []

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        if value != "localhost" and not _is_loopback_address(value):
            raise ValueError("must be a loopback address: the sandbox lets anybody in")
        return value


def parse_config(raw: Mapping[str, Any], relative_to: Path = Path()) -> SandboxConfig:
    """The settings, checked. Raises ConfigError that names the first wrong field, never its value."""
    values = dict(raw)
    if isinstance(values.get("persons"), str):
        values["persons"] = _read_json(relative_to / values["persons"])
    try:
        return SandboxConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigError(f"The sandbox's settings are wrong at {field}: {first['msg']}.") from None


def load_config(path: Path) -> SandboxConfig:
    """The settings in a JSON file; a relative `persons` path starts at that file's folder."""
    raw = _read_json(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"The settings file {path.name} does not hold a JSON object.")
    return parse_config(raw, relative_to=path.parent)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"The file {path.name} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"The file {path.name} is not JSON.") from None


def _is_loopback_address(value: str) -> bool:
    try:
        return ipaddress.ip_address(value).is_loopback
    except ValueError:
        return False
