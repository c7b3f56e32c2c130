"""How a card looks in the collection `cards`: its row, the holder sealed, and back."""

from server.cards.model import LIVE, Card, Holder, Issue, RelationProof, Review, Status, Tie
from server.cards.preferences import Preferences
from server.cards.proof import proof_of, proof_row
from server.core.mongo import Document
from server.core.secrets import Sealer


class CardRows:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def row(self, card: Card) -> Document:
        """The row of a new card."""
        return {
            "_id": card.card_id,
            "ehealth_card_id": card.ehealth_card_id,
            "status": card.status.value,
            "is_live": card.status in LIVE,
            "holder": self.seal_holder(card.card_id, card.holder),
            "ties": [tie_row(tie) for tie in card.ties],
            "seats": [seat_of(tie) for tie in card.ties if tie.seat is not None],
            "claimed_at": card.claimed_at,
            "channel": card.channel,
            "attachment_ids": list(card.attachment_ids),
            "issues": [issue_row(issue) for issue in card.issues],
            "attempts": 0,
            **proof_row(self._sealer, card.card_id, card.proof),
        }

    def card(self, row: Document) -> Card:
        holder = self._sealer.unseal_json("cards", row["_id"], "holder", row["holder"])
        return Card(
            card_id=row["_id"],
            ehealth_card_id=row["ehealth_card_id"],
            status=Status(row["status"]),
            holder=Holder.from_plain(holder),
            person_id=row.get("person_id"),
            ties=tuple(_tie(tie) for tie in row["ties"]),
            claimed_at=row["claimed_at"],
            attempts=row["attempts"],
            channel=row.get("channel", "web"),
            attachment_ids=tuple(row.get("attachment_ids", ())),
            review=self._review(row),
            refused_because=row.get("refused_because"),
            proof=proof_of(self._sealer, row),
            issues=tuple(Issue(**issue) for issue in row.get("issues", ())),
            holds=frozenset(row.get("holds", ())),
            moves=row.get("moves", 0),
            last_request=row.get("last_request"),
            has_pin="pin" in row,
            joins=row.get("joins"),
            preferences=Preferences.from_plain(row["preferences"]) if "preferences" in row else Preferences(),
        )

    def seal_holder(self, card_id: str, holder: Holder) -> bytes:
        return self._sealer.seal_json("cards", card_id, "holder", holder.as_plain())

    def seal_note(self, card_id: str, note: str) -> bytes:
        return self._sealer.seal("cards", card_id, "review_note", note)

    def _review(self, row: Document) -> Review | None:
        if "review" not in row:
            return None
        kept, note = dict(row["review"]), row.get("review_note")
        if note is not None:
            kept["note"] = self._sealer.unseal("cards", row["_id"], "review_note", note)
        reasons, evidence = tuple(kept.pop("reasons")), tuple(kept.pop("evidence"))
        return Review(reasons=reasons, evidence=evidence, **kept)


def _tie(row: Document) -> Tie:
    proof = row.get("proof")
    return Tie(**{**row, "proof": None if proof is None else RelationProof(**proof)})


def tie_row(tie: Tie) -> Document:
    return {**tie.__dict__, "proof": None if tie.proof is None else dict(tie.proof.__dict__)}


def issue_row(issue: Issue) -> Document:
    return dict(issue.__dict__)


def seat_of(tie: Tie) -> str:
    """The account's place for a family card that this tie takes: unique among live cards."""
    return f"{tie.account_id}:{tie.seat}"
