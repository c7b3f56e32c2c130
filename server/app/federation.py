"""A centre's two ends of the federation: asking other centres, and answering for our own cards."""

from server.app.foundation import Foundation
from server.app.keys import public_keys
from server.core.crypto.sm2 import parse_public_key_hex
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.federation.answering import IssuingCentre
from server.federation.asking import ForeignCentres, RouterAddress
from server.federation.calls import PeerCalls
from server.federation.model import ROUTER, Peer
from server.federation.proof import Proof
from server.federation.store import NonceStore
from server.settings import Settings
from server.verification.service import VerificationService


def foreign_centres(base: Foundation) -> ForeignCentres:
    keys = PublicKeys(base.sm2, base.threads)
    centre_id = base.settings.centre_id
    calls = PeerCalls(
        SignedCalls(base.http, base.seals.federation_key, keys, base.clock, base.threads, own_id=centre_id)
    )
    return ForeignCentres(_router(base.settings), calls, keys, base.clock, centre_id=centre_id)


def issuing_centre(base: Foundation, verification: VerificationService) -> IssuingCentre:
    router = _router(base.settings)

    async def find_peer(peer_id: str) -> Peer | None:
        if router is None or peer_id != ROUTER:
            return None
        return Peer(ROUTER, router.public_keys)

    proof = Proof(
        find_peer,
        NonceStore(base.mongo.collection("federation_nonces")),
        PublicKeys(base.sm2, base.threads),
        base.seals,
        base.clock,
        base.threads,
    )
    centre_id = base.settings.centre_id
    return IssuingCentre(proof, verification, base.seals, base.threads, centre_id=centre_id)


def _router(settings: Settings) -> RouterAddress | None:
    if not (settings.router_url and settings.router_keys and settings.router_anchor):
        return None
    return RouterAddress(
        url=settings.router_url.rstrip("/"),
        public_keys=public_keys(settings.router_keys),
        anchor=parse_public_key_hex(settings.router_anchor),
    )
