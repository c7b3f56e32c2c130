from typing import Annotated

from pydantic import Field

from handlers.authentication import ResidentHandler
from handlers.requests import Model, Ok, operation
from server.cards.attachments.pictures import MAX_BYTES, MEDIA_TYPES


class DocumentOption(Model):
    id_type: str
    needs: Annotated[list[str], Field(description="to be given besides name and number")]


class RelationOption(Model):
    """The proofs that show the relation, for somebody under age and for a grown-up."""

    proofs: list[str]
    proofs_of_adult: list[str]


class FamilyOption(Model):
    limit: int
    used: int


class AttachmentOption(Model):
    required_for: Annotated[list[str], Field(description="types of documents")]
    media_types: list[str]
    max_bytes: int


class ClaimOptions(Model):
    documents: list[DocumentOption]
    relations: dict[str, RelationOption]
    guardian_years: Annotated[int, Field(description="who is younger has a guardian claim")]
    family: FamilyOption
    attachments: AttachmentOption
    sources_needed: Annotated[
        list[str], Field(description="what a claim for oneself takes besides the phone: bank_card")
    ]


class ClaimOptionsPage(ResidentHandler):
    @operation("What may be claimed here, for whom, and with which proofs", reply=ClaimOptions)
    async def get(self) -> Ok:
        account_id = self.session.account.account_id
        options = await self.services.claim_options.of_account(account_id, self.channel)
        relations = {
            relation: RelationOption(proofs=list(minor), proofs_of_adult=list(adult))
            for relation, (minor, adult) in options.relations.items()
        }
        return Ok(
            ClaimOptions(
                documents=[
                    DocumentOption(id_type=kind.code, needs=list(kind.needs)) for kind in options.documents
                ],
                relations=relations,
                guardian_years=options.guardian_years,
                family=FamilyOption(limit=options.family_limit, used=options.family_used),
                attachments=AttachmentOption(
                    required_for=list(options.attachments_for),
                    media_types=list(MEDIA_TYPES),
                    max_bytes=MAX_BYTES,
                ),
                sources_needed=list(options.sources_needed),
            )
        )


ROUTES = [("/api/v1/claim-options", ClaimOptionsPage)]
