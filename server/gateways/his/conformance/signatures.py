"""HIS-001 … HIS-009: who is believed."""

import secrets
from datetime import timedelta

from server.core.http import RawAnswer
from server.gateways.his import wire
from server.gateways.his.conformance.trial import Trial, require

WINDOW_OVER = timedelta(minutes=10)
UNAUTHENTICATED = 401


async def a_signed_call_is_answered_and_signed(trial: Trial) -> None:
    answer, nonce = await trial.send("GET", "/departments")
    require(answer.is_success, f"a good call is answered {answer.status}")
    require(await trial.is_proven(answer, nonce), "the answer is not signed, or not to this call")


async def a_wrong_signature_is_refused(trial: Trial) -> None:
    answer, _ = await trial.send("GET", "/departments", signature="A" * 86 + "==")
    _require_401(answer)


async def another_key_is_refused(trial: Trial) -> None:
    answer, _ = await trial.send("GET", "/departments", key=trial.stranger)
    _require_401(answer)


async def another_app_is_refused(trial: Trial) -> None:
    answer, _ = await trial.send("GET", "/departments", app_id="somebody-else")
    _require_401(answer)


async def a_timestamp_far_off_is_refused(trial: Trial) -> None:
    for at in (trial.clock.now() - WINDOW_OVER, trial.clock.now() + WINDOW_OVER):
        answer, _ = await trial.send("GET", "/departments", at=at)
        _require_401(answer)


async def a_nonce_is_good_once(trial: Trial) -> None:
    nonce = secrets.token_hex(16)
    answer, _ = await trial.send("GET", "/departments", nonce=nonce)
    require(answer.is_success, f"a good call is answered {answer.status}")
    answer, _ = await trial.send("GET", "/departments", nonce=nonce)
    _require_401(answer)


async def a_changed_body_is_refused(trial: Trial) -> None:
    lock = trial.asking(await trial.slot())
    good = wire.lock_body(lock)
    changed = good.replace(lock.patient.id_no.encode(), trial.patient().id_no.encode())
    answer, _ = await trial.send("POST", "/locks", good, sent_body=changed)
    _require_401(answer)
    found = await trial.client.find_lock(lock.lock_id)
    require(found.state == "unknown", "the call was refused and carried out all the same")


async def a_changed_query_is_refused(trial: Trial) -> None:
    answer, _ = await trial.send("GET", "/doctors?department_id=A", sent_target="/doctors?department_id=B")
    _require_401(answer)


async def a_refusal_is_signed_too(trial: Trial) -> None:
    answer, nonce = await trial.send("GET", "/doctors?department_id=CONFORMANCE-NONE")
    require(400 <= answer.status < 500, f"an unknown department is answered {answer.status}")
    require(await trial.is_proven(answer, nonce), "the refusal is not signed, or not to this call")


def _require_401(answer: RawAnswer) -> None:
    require(answer.status == UNAUTHENTICATED, f"answered {answer.status} instead of 401")


CASES = (
    ("HIS-001", "a signed call is answered, and the answer is signed", a_signed_call_is_answered_and_signed),
    ("HIS-002", "a wrong signature is refused with 401", a_wrong_signature_is_refused),
    ("HIS-003", "a signature of another key is refused with 401", another_key_is_refused),
    ("HIS-004", "another app id is refused with 401", another_app_is_refused),
    ("HIS-005", "a timestamp ten minutes off is refused with 401", a_timestamp_far_off_is_refused),
    ("HIS-006", "a nonce is good once", a_nonce_is_good_once),
    (
        "HIS-007",
        "a body changed on the way is refused, and nothing done",
        a_changed_body_is_refused,
    ),
    ("HIS-008", "a query changed on the way is refused", a_changed_query_is_refused),
    ("HIS-009", "a refusal is signed too", a_refusal_is_signed_too),
)
