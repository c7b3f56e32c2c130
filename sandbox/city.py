"""A small made-up city: residents, a card centre, hospitals and their terminals; the same for the same seed.

Nobody in it exists. Identity numbers are of region 99xxxx, which no real place has; phones all begin with
1990000. The people are chosen to be hard on software: all ages, one-character given names, compound
surnames, names with a middle dot, characters outside the first Unicode plane, and namesakes.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.registers import VISITORS, bank_cards, families, physical_cards
from sandbox.resident import Gender, Resident

RESIDENTS = 200
REGIONS = ("990101", "990102", "990103", "990104", "990105", "990181")
FIRST_BIRTH_ON = date(1924, 3, 1)
LAST_BIRTH_ON = date(2026, 6, 30)
NAMESAKES = 4

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余于杜叶程"
COMPOUND_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "尉迟", "皇甫")
MALE_GIVEN = ("伟", "建国", "志强", "海涛", "子轩", "浩然", "国庆", "宇航", "明", "德华", "家豪", "文博")
FEMALE_GIVEN = ("芳", "秀英", "桂兰", "雨桐", "丽娟", "欣怡", "静", "玉珍", "梓涵", "小红", "淑贞", "佳琪")
# Each is a given name; the last five are beyond the first plane, where a UTF-16 mind counts two.
RARE_GIVEN = ("喆", "堃", "龘", "犇", "玥翀", "㛃", "䶮", "昇𬭎", "𠮷", "𣲘", "翔𬀩", "𬸪")
DOTTED_MALE = ("阿卜杜拉·艾力", "买买提江·吐尔逊", "扎西·多吉", "巴特尔·苏和", "艾尔肯·阿不都热合曼")
DOTTED_FEMALE = ("古丽娜尔·艾山", "阿依古丽·买买提", "卓玛·央金", "迪丽努尔·阿布都克依木", "其其格·娜仁")


@dataclass(frozen=True)
class Terminal:
    """A reader in a hospital; `channel` is 0100 window, 0200 kiosk or 0300 doctor station."""

    terminal_id: str
    place: str
    channel: str


@dataclass(frozen=True)
class CityHospital:
    """An institution that will be admitted to the platform."""

    institution_id: str
    name: str
    terminals: tuple[Terminal, ...]


@dataclass(frozen=True)
class City:
    """All of it. `centre_id` is the EHCAPPID of the city's card centre."""

    name: str
    centre_id: str
    centre_name: str
    hospitals: tuple[CityHospital, ...]
    residents: tuple[Resident, ...]

    @property
    def visitors(self) -> tuple[Resident, ...]:
        """People whose documents are not resident identity cards."""
        return VISITORS

    def persons(self) -> list[dict[str, Any]]:
        """The residents as the `persons` setting takes them: name, id_type, id_no and phone."""
        return _persons(self.residents)

    def registers(self) -> dict[str, Any]:
        """All that the authorities, the operator, the bank and the registers know, as settings."""
        return {
            "persons": _persons((*self.residents, *self.visitors)),
            "bank_cards": bank_cards(self.residents),
            "physical_cards": physical_cards(self.residents),
            "families": families(self.residents),
        }


def build_city(seed: int = 1) -> City:
    """The city of this seed: 200 residents, one centre, 3 hospitals."""
    # Predictable on purpose: the same seed is the same city, and nothing in it is a secret.
    rng = random.Random(seed)  # nosec B311
    return City("云溪市", "0000A0001", "云溪市电子健康卡管理中心", _hospitals(), tuple(_residents(rng)))


def _persons(people: tuple[Resident, ...]) -> list[dict[str, Any]]:
    return [{**person.named, "phone": person.phone} for person in people]


def check_digit(first_17: str) -> str:
    """The eighteenth character of a resident identity number (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first_17, weights, strict=True))
    return "10X98765432"[total % 11]


def _residents(rng: random.Random) -> list[Resident]:
    phones = rng.sample(range(10_000), RESIDENTS)
    genders: list[Gender] = ["male", "female"]
    residents: list[Resident] = []
    id_numbers: set[str] = set()
    for index, tail in enumerate(phones):
        gender = genders[index % 2]
        birth_on = _birth_on(rng, index)
        id_no = _id_no(rng, birth_on, gender)
        while id_no in id_numbers:
            id_no = _id_no(rng, birth_on, gender)
        id_numbers.add(id_no)
        name = _name(rng, index, gender)
        residents.append(Resident(name, "01", id_no, f"1990000{tail:04d}", gender, birth_on))
    return residents


def _name(rng: random.Random, index: int, gender: Gender) -> str:
    """One in ten has a rare character, one in ten a middle dot, one in fifteen a compound surname."""
    if index < NAMESAKES:
        return "张伟" if gender == "male" else "王芳"
    if index % 20 in (6, 7):
        return rng.choice(DOTTED_MALE if gender == "male" else DOTTED_FEMALE)
    surname = rng.choice(COMPOUND_SURNAMES) if index % 15 == 8 else rng.choice(SURNAMES)
    if index % 20 in (9, 18):
        return surname + RARE_GIVEN[index // 9 % len(RARE_GIVEN)]
    return surname + rng.choice(MALE_GIVEN if gender == "male" else FEMALE_GIVEN)


def _birth_on(rng: random.Random, index: int) -> date:
    """Ages spread evenly, so that every decade of life is there whatever the seed; one born on a leap day."""
    if index == 4:
        return date(1996, 2, 29)
    days = (LAST_BIRTH_ON - FIRST_BIRTH_ON).days
    step = days / RESIDENTS
    return FIRST_BIRTH_ON + timedelta(days=int((index * 37 % RESIDENTS + rng.random()) * step))


def _id_no(rng: random.Random, birth_on: date, gender: Gender) -> str:
    sequence = rng.randrange(1, 500) * 2 - (1 if gender == "male" else 0)
    first_17 = f"{rng.choice(REGIONS)}{birth_on:%Y%m%d}{sequence:03d}"
    return first_17 + check_digit(first_17)


def _hospitals() -> tuple[CityHospital, ...]:
    places = (
        ("门诊收费窗口 3 号", "0100"),
        ("住院登记窗口 1 号", "0100"),
        ("一楼大厅自助机 5 号", "0200"),
        ("内科门诊 3 号诊室", "0300"),
    )
    names = ("云溪市第一人民医院", "云溪市中医医院", "云溪市妇幼保健院")
    return tuple(
        CityHospital(
            f"H{number:03d}",
            name,
            tuple(
                Terminal(f"T-{number:02d}{place_number:02d}", place, channel)
                for place_number, (place, channel) in enumerate(places, 1)
            ),
        )
        for number, name in enumerate(names, 1)
    )
