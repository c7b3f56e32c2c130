"""Who wants to be believed, by which channel, and with what in hand (B6.2)."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

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
class Applicant:
    """`is_phone_proven`: this `phone` is in the applicant's hand: by an SMS code, or the platform says so."""

    name: str
    document: Document
    phone: str
    channel: Channel
    is_phone_proven: bool
    relation: Relation = "self"
    bank_card_no: str | None = None
    physical_card_no: str | None = None
    face_to_face: FaceToFace | None = None

    def as_plain(self) -> dict[str, Any]:
        """JSON-ready, to be sealed."""
        document = {**self.document.__dict__, "born_on": self.document.born_on.isoformat()}
        seen = None if self.face_to_face is None else dict(self.face_to_face.__dict__)
        return {**self.__dict__, "document": document, "face_to_face": seen}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Applicant":
        document, seen = plain["document"], plain["face_to_face"]
        born_on = date.fromisoformat(document["born_on"])
        return cls(
            **{
                **plain,
                "document": Document(**{**document, "born_on": born_on}),
                "face_to_face": None if seen is None else FaceToFace(**seen),
            }
        )
