"""The services of the person index, put together."""

from server.app.foundation import Foundation
from server.identity.desk import PersonDesk
from server.identity.guesses import Guesses
from server.identity.identifiers.service import IdentifierService
from server.identity.identifiers.store import IdentifierStore
from server.identity.index import PersonIndex
from server.identity.intake import Intake
from server.identity.merges.service import MergeService
from server.identity.merges.store import MergeStore
from server.identity.register import Register
from server.identity.reviews.service import ReviewService
from server.identity.reviews.store import ReviewStore
from server.identity.service import IdentityService
from server.identity.store import PersonStore
from server.services import PersonServices


def person_index(base: Foundation) -> PersonServices:
    kept, sealer, audit, clock = base.mongo.collection, base.sealer, base.audit, base.clock
    store = PersonStore(kept("persons"), sealer)
    index = PersonIndex(store, clock)
    merges = MergeService(MergeStore(kept("merges"), sealer), store, base.mongo.in_transaction, audit, clock)
    reviews = ReviewService(ReviewStore(kept("person_reviews"), sealer), index, merges, audit, clock)
    guesses = Guesses(base.budgets, base.policies, sealer)
    identifiers = IdentifierService(
        IdentifierStore(kept("identifiers"), sealer), index, guesses, audit, clock
    )
    identity = IdentityService(
        index,
        Register(index, reviews, merges, base.policies, audit, clock),
        reviews,
        identifiers,
        sealer,
        clock,
    )
    allows = base.settings.allows_test_numbers
    desk = PersonDesk(index, identifiers, audit, clock, allows_test_numbers=allows)
    intake = Intake(identity, identifiers, guesses, clock, allows_test_numbers=allows)
    return PersonServices(identity, identifiers, merges, reviews, desk, intake)
