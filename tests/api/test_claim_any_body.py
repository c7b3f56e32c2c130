"""Claims with any name and any number, for every type of document (I1, I2): refused by a code that says what
is wrong, never a fault of the server's, and the number comes back nowhere.

`EHC_BODIES=2000` tries as many; in CI a few.
"""

import json
import os
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database
from tornado.ioloop import IOLoop

from sandbox.city import check_digit
from server.core.clock import today
from server.core.errors import InvalidInput
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import read_document
from server.identity.names import read_name
from tests.harness import Platform

pytestmark = pytest.mark.feature("C1", "I1", "I2")

BODIES = int(os.environ.get("EHC_BODIES", "150"))
LONGEST = 100  # of a name and of a number: longer ones are a matter of shape (test_input.py)
HOSTILE = (
    *("张三\x00", "张\u202e三", "张\u200b三", "<script>张三</script>", "张三'; DROP TABLE persons--"),
    *("{name}%s$ne", "张三\n\r\tX-Evil: 1", "·张三", "张··三", "买买提·艾力", "欧阳明月", "\U00020bb7田"),
    *("\ue863小明", "😀😀", "张", "Ann Lee", "ﬀi", "Ⅷ八", "张" * 51, "张" * 100, "e\u0301ric", "١٢٣"),
    *("\ufeff张三", "null", "..", "\\u5f20三", "$张.三"),
)
NOT_DIGITS = ("٣", "３", "²", "Ⅷ", "\x00", "\u202e", " ", "字", "-", "'", "{", "$", "🂡")
SHAPES = {
    "03": r"[A-Z][0-9]{4,9}",
    "04": r"[南北空]字第?[0-9]{3,9}号?",
    "06": r"[HMX][0-9]{7,10}",
    "07": r"[0-9]{7,11}",
    "08": r"[A-Z]99[0-9]{6,8}",
    "11": r"[A-Z侨(（][0-9]{3,12}[)）]?",
    "12": r"[A-Z0-9][0-9]{8}",
    "13": r"[A-Z0-9_-]{3,33}",
    "14": r"[1-9][0-9]{12,19}",
}


@st.composite
def citizen_numbers(draw: st.DrawFn) -> str:
    region = draw(st.sampled_from(["990101", "810000", "820000", "830000", "110101", "000000"]))
    born_on = draw(st.dates(date(1890, 1, 1), date(2027, 1, 1)))
    first_17 = f"{region}{born_on:%Y%m%d}{draw(st.integers(0, 999)):03}"
    whole = first_17 + check_digit(first_17)
    return draw(
        st.sampled_from([whole, whole.lower(), first_17, first_17[:6] + first_17[8:], whole[:-1] + "0"])
    )


@st.composite
def numbers(draw: st.DrawFn, id_type: str) -> str:
    """Of the type's shape, or nearly, or anything."""
    shape = SHAPES.get(id_type)
    number = draw(citizen_numbers() if shape is None else st.from_regex(shape, fullmatch=True))
    spoiled = draw(st.sampled_from(["no", "no", "one", "blanks", "any"]))
    place = draw(st.integers(0, len(number) - 1))
    if spoiled == "one":
        return number[:place] + draw(st.sampled_from(NOT_DIGITS)) + number[place + 1 :]
    if spoiled == "blanks":
        return f" {number[:place]}\u3000{number[place:]}\t"
    return draw(st.text(min_size=1, max_size=LONGEST)) if spoiled == "any" else number


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    id_type = draw(st.sampled_from([*DOCUMENT_TYPES, "00", "05", "99"]))
    given_too = {
        "gender": st.sampled_from(["male", "female"]),
        "birth_on": st.dates(date(1850, 1, 1), date(2030, 1, 1)).map(date.isoformat),
    }
    return {
        "name": draw(st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=LONGEST)),
        "id_type": id_type,
        "id_no": draw(numbers(id_type)),
        "phone": draw(st.sampled_from(["19900000001", "1990000000", "+86 199 0000 0001", "٣" * 11, "x"])),
        "relation": draw(st.sampled_from(["self", "child", "ward"])),
        **draw(st.fixed_dictionaries({}, optional=given_too)),
    }


def expected(platform: Platform, body: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Code and detail of what is wrong with the document or the name, as the rules of the types have it."""
    born_on = None if "birth_on" not in body else date.fromisoformat(body["birth_on"])
    try:
        document = read_document(
            body["id_type"],
            body["id_no"],
            today(platform.clock),
            allows_test_numbers=True,
            born_on=born_on,
            gender=body.get("gender"),
        )
        if not DOCUMENT_TYPES[document.id_type].claimable_online:
            return "document.unknown_type", {}
        read_name(body["name"])
    except InvalidInput as refusal:
        return refusal.code, refusal.detail
    return None


def test_any_claim_is_refused_for_what_is_wrong_and_nothing_comes_back(
    platform: Platform,
    db: Database[Any],
    io_loop: IOLoop,
    logged: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = io_loop.run_sync(lambda: platform.sign_in(platform.residents[0]))
    seen: set[str] = set()

    @settings(max_examples=BODIES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def claim(body: dict[str, Any]) -> None:
        db.budgets.delete_many({})  # this one account makes more mistakes than it may in a day
        logged.clear()
        caplog.clear()
        answer = io_loop.run_sync(lambda: platform.http.post("/api/v1/cards", body, token=token))
        assert answer.status in (400, 409, 422), (answer.status, answer.error)
        wrong = expected(platform, body)
        if answer.status == 400:
            faults = answer.json["error"]["detail"]["faults"]
            assert {fault["field"] for fault in faults} <= {"name", "id_no"}, "only blanks, only control"
        elif wrong is not None:
            said = answer.json["error"]
            assert (said["code"], said.get("detail") or {}) == wrong
        seen.add(answer.error)
        text = json.dumps(answer.json, ensure_ascii=False) + str(answer.headers)
        ours = (record for record in caplog.records if not record.name.startswith("pymongo"))
        lines = "\n".join([*logged, *(record.getMessage() for record in ours)])
        number = body["id_no"].strip()
        for form in {number, number.upper(), "".join(number.split())}:
            if len(form) >= 8 and len(set(form)) > 3:  # a shorter one may stand anywhere by chance
                assert form not in text and form not in lines
        if len(body["name"].strip()) >= 3 and not body["name"].strip().isascii():
            assert body["name"].strip() not in text + lines

    claim()
    assert seen >= {"document.invalid_number", "document.unknown_type", "document.needs_particulars"}, seen
    assert db.cards.count_documents({"status": "active"}) == 0
