"""Who wants to be believed, by which channel, and with what in hand (B6.2)."""

from dataclasses import dataclass
from typing import Literal

from server.identity.documents import Document

Channel = Literal["wechat", "alipay", "web", "window", "kiosk", "batch", "centre"]
Relation = Literal["self", "child", "parent", "ward"]


@dataclass(frozen=True)
class FaceToFace:
    """A person stood at a counter or a kiosk.  `clerk_id` is who looked at them and the document, None at a
    kiosk without staff; `how` says whether a device read the document (`device_no`) or somebody typed it."""

    institution_id: str
    terminal_id: str
    clerk_id: str | None
    how: Literal["device", "typed"]
    device_no: str | None = None


@dataclass(frozen=True)
class Brought:
    """What an applicant has in hand besides name, document and phone number.  `is_phone_proven`: that phone
    is in the applicant's hand: by an SMS code, or the platform says so."""

    is_phone_proven: bool = False
    relation: Relation = "self"
    bank_card_no: str | None = None
    physical_card_no: str | None = None
    face_to_face: FaceToFace | None = None


@dataclass(frozen=True)
class Applicant:
    """Who is to be proven; `brought` as above, field by field."""

    name: str
    document: Document
    phone: str
    channel: Channel
    is_phone_proven: bool
    relation: Relation = "self"
    bank_card_no: str | None = None
    physical_card_no: str | None = None
    face_to_face: FaceToFace | None = None

    @property
    def brought(self) -> Brought:
        return Brought(
            self.is_phone_proven,
            self.relation,
            self.bank_card_no,
            self.physical_card_no,
            self.face_to_face,
        )

    @classmethod
    def bringing(
        cls, name: str, document: Document, phone: str, channel: Channel, brought: Brought
    ) -> "Applicant":
        return cls(name, document, phone, channel, **brought.__dict__)
