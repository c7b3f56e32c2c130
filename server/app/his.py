"""Hospitals with a system of their own: one client for the process, so that each has one circuit."""

from server.app.foundation import Foundation
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.gateways.his.http import HttpHospitals


def his_client(base: Foundation) -> HttpHospitals:
    """Signs as this centre, with the key that signs our replies to partners."""
    calls = SignedCalls(
        base.http,
        base.seals.platform_key,
        PublicKeys(base.sm2, base.threads),
        base.clock,
        base.threads,
        own_id=base.settings.centre_id,
    )
    return HttpHospitals(calls, base.clock)
