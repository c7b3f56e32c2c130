"""How the name on a card was proven (B6.2): what the claim brought, and who has confirmed it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.core.mongo import Document
from server.core.secrets import Sealer
from server.identity.applicant import Brought, FaceToFace
from server.identity.model import Evidence

NUMBERS = ("bank_card_no", "physical_card_no")


@dataclass(frozen=True)
class CardProof:
    """`evidence` of a pending card is partial: who is in it is not asked again.  `refused_by` is for the
    audit, never for the claimant.  `subjects`: whose wrong tries this claim counts among."""

    brought: Brought = field(default_factory=Brought)
    evidence: tuple[Evidence, ...] = ()
    refused_by: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


def proof_row(sealer: Sealer, card_id: str, proof: CardProof) -> Document:
    """The fields of a new card's row; card numbers are sealed, and gone when the claim is decided."""
    brought = dict(proof.brought.__dict__)
    seen = brought.pop("face_to_face")
    numbers = {name: brought.pop(name) for name in NUMBERS}
    row: Document = {
        "proof": {
            **brought,
            "face_to_face": None if seen is None else dict(seen.__dict__),
            "evidence": evidence_rows(proof.evidence),
            "refused_by": list(proof.refused_by),
            "subjects": list(proof.subjects),
        }
    }
    if any(numbers.values()):
        row["proof_numbers"] = sealer.seal_json("cards", card_id, "proof_numbers", numbers)
    return row


def proof_of(sealer: Sealer, row: Document) -> CardProof:
    if "proof" not in row:
        return CardProof()
    kept, sealed = dict(row["proof"]), row.get("proof_numbers")
    numbers: Mapping[str, Any] = (
        {} if sealed is None else sealer.unseal_json("cards", row["_id"], "proof_numbers", sealed)
    )
    seen = kept.pop("face_to_face", None)
    evidence = tuple(Evidence(**one) for one in kept.pop("evidence", ()))
    refused_by, subjects = (tuple(kept.pop(name, ())) for name in ("refused_by", "subjects"))
    face_to_face = None if seen is None else FaceToFace(**seen)
    return CardProof(Brought(**kept, **numbers, face_to_face=face_to_face), evidence, refused_by, subjects)


def evidence_rows(evidence: tuple[Evidence, ...]) -> list[Document]:
    return [dict(one.__dict__) for one in evidence]
