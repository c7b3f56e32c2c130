"""Hospitals bind their numbers and ask what others call the same person, by our API and by IHE PIXm (I4)."""

import json
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from pymongo.database import Database

from sandbox.city import check_digit
from server.core.clock import today
from server.core.observability import configure_logging
from tests.api.calls import SignedCall, call, is_signed_by_platform
from tests.harness import Answer, Platform
from tests.stores.persons import identity_card, passport

pytestmark = [pytest.mark.feature("I4"), pytest.mark.gen_test]
SCOPES = ("verification", "persons.register", "persons.pix")
A, B = "institution-of-hospital-a-his", "institution-of-hospital-b-his"
NAMES = "urn:ehc:institution:"


async def post(platform: Platform, path: str, body: dict[str, Any], app_id: str = "hospital-a-his") -> Answer:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return await call(platform, raw, path=path, app_id=app_id).send(platform.http)


def asking(platform: Platform, path: str, query: str, app_id: str = "hospital-a-his") -> SignedCall:
    return call(platform, method="GET", path=path, query=query, app_id=app_id)


async def two_hospitals(platform: Platform) -> None:
    await platform.admit(scopes=SCOPES)
    await platform.admit("hospital-b-his", "T-0002", SCOPES)


def entry(serial: int = 12, **changes: Any) -> dict[str, Any]:
    return {"name": "欧阳明月", "id_type": "01", "id_no": identity_card(serial).number, **changes}


async def one_person(platform: Platform) -> str:
    """Known to both hospitals: as A-17 in the first, as 0042 in the second."""
    await two_hospitals(platform)
    for app_id, number in (("hospital-a-his", "A-17"), ("hospital-b-his", "0042")):
        answer = await post(
            platform, "/partner/v1/persons", entry(hospital_patient_no=number, phone="19900000001"), app_id
        )
        assert answer.status == 200, answer.body
    return str(answer.json["person_id"])


async def test_two_hospitals_register_one_person_and_find_each_others_number(platform: Platform) -> None:
    person_id = await one_person(platform)
    sent = asking(platform, "/partner/v1/pix", f"source={quote(f'{A}|A-17')}&target={B}")
    answer = await sent.send(platform.http)
    assert answer.json == {"person_id": person_id, "identifiers": [{"domain": B, "value": "0042"}]}
    assert is_signed_by_platform(platform, sent, answer)


async def test_who_was_born_today_by_the_citys_calendar_is_registered(platform: Platform) -> None:
    await two_hospitals(platform)
    platform.clock.advance(9 * 3600)  # 17:00 in Greenwich: in the city it is one o'clock of the next day
    born = f"990101{today(platform.clock):%Y%m%d}002"
    newborn = entry(id_no=born + check_digit(born), guardian={"name": "欧阳明日", "relation": "mother"})
    registered = await post(platform, "/partner/v1/persons", newborn)
    assert (registered.status, registered.json["outcome"]) == (200, "new")


async def test_a_verified_patient_is_bound_and_not_rebound(platform: Platform) -> None:
    await two_hospitals(platform)
    client = platform.partner()
    people = []
    for resident in platform.residents[:2]:
        token, card_id = await platform.holder(resident)
        seen = await platform.scan(client, await platform.code(token, card_id))
        people.append(seen.body)
    binding = {"hospital_patient_no": "A-17", "verification_id": people[0]["verification_id"]}
    bound = await post(platform, "/partner/v1/patients", binding)
    assert (bound.status, bound.json) == (
        201,
        {"person_id": people[0]["person"]["person_id"], "domain": A, "hospital_patient_no": "A-17"},
    )
    other = {"hospital_patient_no": "A-17", "person_id": people[1]["person"]["person_id"]}
    taken = await post(platform, "/partner/v1/patients", other)
    assert (taken.status, taken.error) == (409, "identifier.taken")
    foreign = await post(platform, "/partner/v1/patients", binding, "hospital-b-his")
    assert (foreign.status, foreign.error) == (404, "verification.not_found")
    for spoilt in (
        {"hospital_patient_no": "A-1"},
        {**binding, **other},
        {**binding, "hospital_patient_no": "a|b"},
    ):
        refused = await post(platform, "/partner/v1/patients", spoilt)
        assert (refused.status, refused.error) == (400, "request.invalid")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"source={A}%7CA-18", 404, "identifier.not_found"),
        ("source=nowhere%7CA-17", 400, "identifier.unknown_domain"),
        (f"source={A}%7CA-17&target=nowhere", 403, "identifier.unknown_target"),
        ("source=A-17", 400, "request.invalid"),
        (f"source={A}%7CA-17&source={A}%7CA-18", 400, "request.invalid"),
    ],
)
async def test_what_cannot_be_found_says_why(platform: Platform, query: str, status: int, code: str) -> None:
    await one_person(platform)
    answer = await asking(platform, "/partner/v1/pix", query).send(platform.http)
    assert (answer.status, answer.error) == (status, code)
    assert "A-1" not in answer.body.decode()


async def test_pixm_answers_parameters(platform: Platform) -> None:
    person_id = await one_person(platform)
    path = "/fhir/Patient/$ihe-pix"
    source = f"sourceIdentifier={quote(f'{NAMES}{A}|A-17')}"
    sent = asking(platform, path, f"{source}&_format=json")
    answer = await sent.send(platform.http)
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    assert is_signed_by_platform(platform, sent, answer)
    identifier = {
        "name": "targetIdentifier",
        "valueIdentifier": {"use": "official", "system": NAMES + B, "value": "0042"},
    }
    patient = {"name": "targetId", "valueReference": {"reference": f"Patient/{person_id}"}}
    assert answer.json == {"resourceType": "Parameters", "parameter": [identifier, patient]}
    for targets, expected in (
        (f"&targetSystem={quote(NAMES + B)}", [identifier]),
        ("&targetSystem=urn:ehc:persons", [patient]),
        (f"&targetSystem={quote(NAMES + B)}&targetSystem=urn:ehc:persons", [identifier, patient]),
        (f"&targetSystem={quote(NAMES + A)}", []),
    ):
        answer = await asking(platform, path, source + targets).send(platform.http)
        assert (answer.status, answer.json["parameter"]) == (200, expected)


@pytest.mark.parametrize(
    ("query", "status", "code", "diagnostics"),
    [
        (
            f"sourceIdentifier={NAMES}{A}%7CA-18",
            404,
            "not-found",
            "sourceIdentifier Patient Identifier not found",
        ),
        (
            "sourceIdentifier=urn:oid:1.2.3%7CA-17",
            400,
            "code-invalid",
            "sourceIdentifier Assigning Authority not found",
        ),
        (
            f"sourceIdentifier={NAMES}{A}%7CA-17&targetSystem=urn:oid:1.2.3",
            403,
            "code-invalid",
            "targetSystem not found",
        ),
        (
            "targetSystem=urn:ehc:persons",
            400,
            "invalid",
            "request.invalid: the query is not what this route takes",
        ),
    ],
)
async def test_pixm_refuses_as_iti_83_says(
    platform: Platform, query: str, status: int, code: str, diagnostics: str
) -> None:
    await one_person(platform)
    answer = await asking(platform, "/fhir/Patient/$ihe-pix", query).send(platform.http)
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    assert (answer.status, answer.json) == (status, {"resourceType": "OperationOutcome", "issue": [issue]})
    assert answer.headers["Content-Type"].startswith("application/fhir+json")


async def test_without_the_scope_or_a_signature_nobody_asks(platform: Platform) -> None:
    await one_person(platform)
    await platform.admit("clinic-his", "T-0003", ("verification",))
    for path, query in (
        ("/partner/v1/pix", f"source={A}%7CA-17"),
        ("/fhir/Patient/$ihe-pix", f"sourceIdentifier={NAMES}{A}%7CA-17"),
    ):
        poor = await asking(platform, path, query, "clinic-his").send(platform.http)
        assert (poor.status, "scope.missing" in poor.body.decode()) == (403, True)
        nobody = await platform.http.get(f"{path}?{query}")
        assert nobody.status == 401
    told = await post(platform, "/partner/v1/persons", entry(), "clinic-his")
    assert (told.status, told.error) == (403, "scope.missing")


async def test_no_query_ever_reaches_a_log(
    platform: Platform, db: Database[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    await one_person(platform)
    configure_logging("debug")
    for path, query in (
        ("/partner/v1/pix", f"source={A}%7CSECRET-17"),
        ("/fhir/Patient/$ihe-pix", f"sourceIdentifier={NAMES}{A}%7CSECRET-17&colour=green"),
        ("/partner/v1/nowhere", "source=SECRET-17"),
        ("/partner/v1/pix", "source=%FF%FESECRET-17"),
    ):
        await asking(platform, path, query).send(platform.http)
    structlog.reset_defaults()  # before the captured stream is closed
    logged = capsys.readouterr()
    assert "/partner/v1/pix" in logged.err
    assert "SECRET-17" not in logged.err + logged.out
    assert "SECRET-17" not in str(list(db.audit.find()))


@pytest.mark.feature("I3")
async def test_a_hospital_updates_and_asks_in_doubt(platform: Platform) -> None:
    person_id = await one_person(platform)
    moved = await post(platform, "/partner/v1/persons", entry(address="河口市河口路 1 号"))
    assert moved.json == {"outcome": "same", "person_id": person_id, "review_id": None}
    person = await platform.app.services.identity.get_person(person_id)
    assert (person.contact.address, person.contact.phone) == ("河口市河口路 1 号", "19900000001")
    doubtful = await post(platform, "/partner/v1/persons", entry(name="王小明", hospital_patient_no="A-99"))
    assert (doubtful.json["outcome"], doubtful.json["person_id"]) == ("review", None)
    unbound = await asking(platform, "/partner/v1/pix", f"source={A}%7CA-99").send(platform.http)
    assert unbound.error == "identifier.not_found"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"id_no": "990101198005170126"}, 422, "document.invalid_number"),
        ({"id_type": "99"}, 422, "document.unknown_type"),
        ({"id_type": "03", "id_no": passport("EA1234567").number}, 422, "document.needs_particulars"),
        ({"name": "!"}, 422, "name.invalid"),
        ({"phone": "12"}, 422, "phone.invalid"),
        ({"colour": "green"}, 400, "request.invalid"),
    ],
)
async def test_what_a_hospital_sends_is_read_before_it_is_believed(
    platform: Platform, db: Database[Any], changes: dict[str, Any], status: int, code: str
) -> None:
    await two_hospitals(platform)
    answer = await post(platform, "/partner/v1/persons", entry(**changes))
    assert (answer.status, answer.error) == (status, code)
    assert db.persons.count_documents({}) == 0
