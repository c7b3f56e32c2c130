"""The services of claiming a card, put together: online, for a family, at a window, and the review desk."""

from functools import partial

from server.accounts.sms_codes import SmsCodes
from server.app.foundation import Foundation
from server.app.outside import civil_register, outside_sources
from server.cards.attachments.service import AttachmentService
from server.cards.attachments.store import AttachmentStore
from server.cards.claim import ClaimService
from server.cards.deciding import Deciding
from server.cards.family.joining import Joining
from server.cards.family.proofs import FamilyProofs, Sources
from server.cards.family.store import FamilyStore
from server.cards.options import ClaimOptions
from server.cards.physical import PhysicalCards
from server.cards.placing import Placing
from server.cards.reviews.service import ReviewService
from server.cards.reviews.store import ReviewStore
from server.cards.service import CardService
from server.cards.store import CardStore
from server.cards.window import WindowService
from server.identity.proving import Proving
from server.identity.service import IdentityService
from server.identity.tries import Tries
from server.partners.service import PartnerService
from server.services import ClaimServices
from server.verification.consent import Consents
from server.verification.store import UsageStore


def claiming(
    base: Foundation,
    store: CardStore,
    cards: CardService,
    identity: IdentityService,
    proving: Proving,
    codes: SmsCodes,
    partners: PartnerService,
    consents: Consents,
    usages: UsageStore,
) -> ClaimServices:
    kept, settings, policies = base.mongo.collection, base.settings, base.policies
    audit, clock = base.audit, base.clock
    outside = outside_sources(base)
    attachments = AttachmentService(
        AttachmentStore(kept("attachments"), base.sealer), policies, audit, base.budgets, clock, base.threads
    )
    reviews = ReviewStore(kept("cards"), base.sealer)
    family = FamilyStore(kept("cards"), base.sealer)
    joining = Joining(store, family, base.mongo.in_transaction, clock)
    deciding = Deciding(store, reviews, identity, proving, joining, policies, audit, clock)
    sources = Sources(
        civil_register(base), outside.mobile, partial(codes.require, purpose="consent"), consents.use
    )
    proofs = FamilyProofs(store, attachments, sources, clock)
    placing = Placing(store, family, joining, proofs, attachments, identity, proving, clock)
    tries = Tries(base.budgets, policies, base.sealer)
    return ClaimServices(
        claims=ClaimService(
            placing,
            PhysicalCards(outside.card_register),
            partial(codes.require, purpose="phone"),
            deciding,
            identity,
            audit,
            proving,
            tries,
            policies,
            clock,
            allows_test_numbers=settings.allows_test_numbers,
        ),
        window=WindowService(
            store,
            cards,
            placing,
            deciding,
            identity,
            proving,
            tries,
            partners,
            policies,
            audit,
            clock,
            base.threads,
            usages.was_used_at,
            centre_id=settings.centre_id,
            allows_test_numbers=settings.allows_test_numbers,
        ),
        reviews=ReviewService(store, reviews, deciding, audit),
        attachments=attachments,
        claim_options=ClaimOptions(family, policies),
    )
