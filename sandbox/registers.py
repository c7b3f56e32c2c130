"""What the city's registers know besides names: bank accounts, physical cards, families, visitors.

All of it follows from the residents and their order; nothing is drawn, so a resident stays who they were.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sandbox.resident import Resident

TODAY = date(2026, 11, 22)
BANK = "990000"
"""The first digits of every bank card: no bank has them."""

# A passport, a mainland travel permit of Hong Kong, of Macao and of Taiwan, an officer's certificate, a
# returned overseas Chinese certificate, and a child who has nothing but a birth certificate.
VISITORS = (
    Resident("SMITH JOHN", "03", "E99000001", "19900009001", "male", date(1985, 4, 2)),
    Resident("陈美玲", "06", "H99000001", "19900009002", "female", date(1979, 9, 30)),
    Resident("何志豪", "06", "M99000002", "19900009003", "male", date(1990, 1, 15)),
    Resident("林怡君", "07", "99000001", "19900009004", "female", date(1988, 12, 8)),
    Resident("赵卫国", "04", "军字第9900001号", "19900009005", "male", date(1982, 7, 1)),
    Resident("黄归侨", "11", "990000000001", "19900009006", "male", date(1950, 5, 20)),
    Resident("周小宝", "08", "Z990000001", "19900009007", "female", date(2026, 10, 18)),
)


def bank_cards(residents: Sequence[Resident]) -> list[dict[str, Any]]:
    """Every adult has one: most of class I, every seventh of class II, every eleventh a credit card."""
    return [
        {**person.named, "phone": person.phone, "card_no": _bank_card_no(number), "kind": _kind(number)}
        for number, person in enumerate(residents)
        if age(person) >= 18
    ]


def physical_cards(residents: Sequence[Resident]) -> list[dict[str, Any]]:
    """Every third resident has one; of these every fifth is lost and every seventh cancelled."""
    return [
        {**person.named, "phone": person.phone, "card_no": f"99{number:010d}", "state": _state(number // 3)}
        for number, person in enumerate(residents)
        if number % 3 == 0
    ]


def families(residents: Sequence[Resident]) -> list[dict[str, Any]]:
    """Every child has a mother and a father among the residents, 22 to 45 years older; the one without an
    identity number too."""
    baby = VISITORS[-1]
    children = [*(person for person in residents if age(person) < 18), baby]
    return [
        {
            "birth_certificate_no": child.id_no if child is baby else f"Z99{number:07d}",
            "household_no": f"99{number:07d}",
            "child": child.named,
            "parents": [_parent(residents, child, gender, number).named for gender in ("male", "female")],
        }
        for number, child in enumerate(children, 101)
    ]


def age(person: Resident) -> int:
    """Whole years, on the day the city was made up for."""
    birthday = (person.birth_on.month, person.birth_on.day)
    return TODAY.year - person.birth_on.year - ((TODAY.month, TODAY.day) < birthday)


def _parent(residents: Sequence[Resident], child: Resident, gender: str, number: int) -> Resident:
    of_age = [p for p in residents if p.gender == gender and 22 <= age(p) - age(child) <= 45]
    return of_age[number % len(of_age)]


def _kind(number: int) -> str:
    return "II" if number % 7 == 3 else "credit" if number % 11 == 5 else "I"


def _state(number: int) -> str:
    return "lost" if number % 5 == 4 else "cancelled" if number % 7 == 6 else "valid"


def _bank_card_no(number: int) -> str:
    """Sixteen digits, the last one by Luhn."""
    first = f"{BANK}{number:09d}"
    doubled = [
        int(digit) * 2 if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(first))
    ]
    total = sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return first + str(-total % 10)
