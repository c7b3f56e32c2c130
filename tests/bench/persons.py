"""Made-up people and what registers write of them, with labelled errors: the data the matching engine is
trained and judged on.  The same seed and size give the same rows.

    python -m tests.bench.persons --rows 100000 --seed 1 --out rows.csv

Nobody is real: ID numbers have region 99, and mobile numbers begin with 120, which no operator has (the ten
thousand numbers of 1990000xxxx are too few for a city).
"""

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from pypinyin import lazy_pinyin

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁"
    "任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严"
    "莫孔向常汤章"
)
MALE = (
    "伟强军磊勇杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林欢建国志文海永春庆德学光祥金生荣新宏东"
    "立成世中民天泽轩睿辰博涵子梓皓豪铭诚"
)
FEMALE = (
    "芳娜敏静秀丽娟艳霞燕玲桂兰红梅英莉萍婷玉慧颖雪琴云倩洁蓉晶薇莹佳怡欣雅诗琪雨萱梦瑶妍琳璇馨月香珍"
    "菊凤彩春淑美爱蕾黛瑞媛思彤紫"
)
_SIMPLIFIED = (
    "张刘陈杨黄赵吴孙马罗郑谢韩邓冯肖卢钟谭陆贾邹龙贺顾龚万钱严汤伟强军杰涛刚辉华飞凯"
    "宁欢国庆学荣东泽轩铭诚丽艳兰红云莹梦琼颖爱凤峰昇"
)
_TRADITIONAL = (
    "張劉陳楊黃趙吳孫馬羅鄭謝韓鄧馮蕭盧鍾譚陸賈鄒龍賀顧龔萬錢嚴湯偉強軍傑濤剛輝華飛凱"
    "寧歡國慶學榮東澤軒銘誠麗豔蘭紅雲瑩夢瓊穎愛鳳峯升"
)
OTHER_FORMS = dict(zip(_SIMPLIFIED, _TRADITIONAL, strict=True))
# What southern speakers exchange, among the sounds of these names.
NEAR_SOUNDS = {
    "jing": "jin", "jin": "jing", "ying": "yin", "yin": "ying", "xin": "xing", "xing": "xin", "ling": "lin",
    "lin": "ling", "zhang": "zhan zang", "zhong": "zong", "chen": "cheng", "cheng": "chen", "shi": "si",
    "si": "shi", "zi": "zhi", "zhi": "zi", "ming": "min", "min": "ming", "ping": "pin", "li": "ni",
    "nan": "lan", "lan": "nan", "zhen": "zheng", "zheng": "zhen", "sheng": "shen", "shen": "sheng",
    "fang": "fan", "fan": "fang", "yan": "yang", "yang": "yan", "hui": "fei", "hong": "hong",
}  # fmt: skip
DISTRICTS = ("城东", "城西", "城南", "城北", "高新", "开发", "江口", "山前", "海滨", "临河")
STREET_WORDS = (
    "人民",
    "解放",
    "中山",
    "建设",
    "和平",
    "文化",
    "胜利",
    "新华",
    "光明",
    "团结",
    "学府",
    "青年",
    "长江",
    "黄河",
    "滨湖",
    "凤凰",
    "桃园",
    "梅岭",
    "松柏",
    "银杏",
)
STREET_ENDS = ("路", "街", "大道", "巷")
# Shares of persons with one, two, three, four records.
RECORDS = ((1, 0.52), (2, 0.29), (3, 0.13), (4, 0.06))
TODAY = date(2026, 11, 1)
COLUMNS = (
    "row_id", "person", "name", "gender", "born_on", "id_type", "id_no", "phone", "address",
    "guardian_name", "guardian_phone", "cards",
)  # fmt: skip


@dataclass(frozen=True)
class Somebody:
    person: int
    name: str
    gender: str
    born_on: date
    id_no: str
    phone: str
    address: tuple[str, ...]  # city, district, street, house, room
    guardian: "Somebody | None" = None
    is_newborn: bool = False
    bank_card: str = ""


@dataclass
class Population:
    """Families until there are enough rows."""

    seed: int
    rng: random.Random = field(init=False)
    count: int = 0
    numbers: set[str] = field(default_factory=set)
    adults: list[Somebody] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.surname_weights = list(accumulate(1 / (rank + 3) for rank in range(len(SURNAMES))))
        self.given_weights = {
            len(pool): list(accumulate(1 / (rank + 12) for rank in range(len(pool))))
            for pool in (MALE, FEMALE)
        }
        self.homophones: dict[str, str] = defaultdict(str)
        for character in dict.fromkeys(SURNAMES + MALE + FEMALE):
            self.homophones[lazy_pinyin(character)[0]] += character

    # -- people
    def family(self) -> Iterator[Somebody]:
        rng, address, surname = self.rng, self.address(), self.surname()
        father = self.adult("male", surname, address)
        yield father
        if rng.random() < 0.3:
            return
        mother = self.adult("female", self.surname(), address)
        mother = replace(mother, born_on=self.near(father.born_on, 2000))
        yield replace(mother, id_no=self.number(mother.born_on, "female"))
        for _ in range(rng.choices((0, 1, 2), (0.55, 0.33, 0.12))[0]):
            born_on = TODAY - timedelta(days=int(rng.triangular(1, 6500, 1)))
            is_newborn = rng.random() < 0.12
            guardian = rng.choice((father, mother))
            child = self.child(surname, born_on, guardian, is_newborn)
            yield child
            if rng.random() < 0.04:  # a twin, whose name shares a character more often than not
                twin = self.child(surname, born_on, guardian, is_newborn)
                if len(child.name) == len(twin.name) == 3 and rng.random() < 0.6:
                    twin = replace(twin, name=child.name[:2] + twin.name[2])
                if twin.name != child.name:
                    yield twin

    def adult(self, gender: str, surname: str, address: tuple[str, ...]) -> Somebody:
        rng = self.rng
        born_on = date(1930, 1, 1) + timedelta(days=int(rng.triangular(0, 28_000, 17_000)))
        name = self.name(surname, gender)
        if self.adults and rng.random() < 0.03:  # a namesake, some of them born on the same day
            other = rng.choice(self.adults)
            name, gender = other.name, other.gender
            born_on = other.born_on if rng.random() < 0.05 else born_on
        somebody = Somebody(
            self.next(), name, gender, born_on, self.number(born_on, gender), self.phone(), address,
            bank_card=f"14|99{rng.randrange(10**14):014}",
        )  # fmt: skip
        self.adults.append(somebody)
        return somebody

    def child(self, surname: str, born_on: date, guardian: Somebody, is_newborn: bool) -> Somebody:
        gender = self.rng.choice(("male", "female"))
        return Somebody(
            self.next(), self.name(surname, gender), gender, born_on, self.number(born_on, gender),
            guardian.phone, guardian.address, guardian, is_newborn,
        )  # fmt: skip

    def next(self) -> int:
        self.count += 1
        return self.count

    def surname(self) -> str:
        return self.rng.choices(SURNAMES, cum_weights=self.surname_weights)[0]

    def name(self, surname: str, gender: str) -> str:
        pool = MALE if gender == "male" else FEMALE
        length = 1 if self.rng.random() < 0.2 else 2
        return surname + "".join(self.rng.choices(pool, cum_weights=self.given_weights[len(pool)], k=length))

    def near(self, day: date, days: int) -> date:
        return max(date(1925, 1, 1), min(TODAY, day + timedelta(days=self.rng.randint(-days, days))))

    def number(self, born_on: date, gender: str) -> str:
        while True:
            serial = self.rng.randrange(0, 1000, 2) + (gender == "male")
            first = f"99{self.rng.randint(1, 12):02}{self.rng.randint(1, 9):02}{born_on:%Y%m%d}{serial:03}"
            if first not in self.numbers:
                self.numbers.add(first)
                return first + check_digit(first)

    def phone(self) -> str:
        return f"120{self.rng.randrange(10**8):08}"

    def address(self) -> tuple[str, ...]:
        rng = self.rng
        street = (
            rng.choice(STREET_WORDS)
            + rng.choice(("", "东", "西", "南", "北", "一", "二"))
            + rng.choice(STREET_ENDS)
        )
        room = f"{rng.randint(1, 18)}{rng.randint(1, 4):02}室"
        house = f"{rng.randint(1, 300)}号{rng.randint(1, 20)}栋"
        return ("海州市", rng.choice(DISTRICTS) + "区", street, house, room)

    # -- what registers write of them
    def rows(self, somebody: Somebody) -> Iterator[dict[str, str]]:
        counts, shares = zip(*RECORDS, strict=True)
        count = self.rng.choices(counts, shares)[0]
        if somebody.is_newborn:
            yield self.newborn_row(somebody)
        for _ in range(count):
            yield self.row(somebody)
            if self.rng.random() < 0.15:
                somebody = replace(somebody, phone=self.phone())
            if self.rng.random() < 0.10:
                somebody = replace(somebody, address=self.address())

    def newborn_row(self, somebody: Somebody) -> dict[str, str]:
        """Before there is a name: the mother's name and a birth certificate, or nothing."""
        mother = somebody.guardian
        assert mother is not None
        ending = "之子" if somebody.gender == "male" else "之女"
        certificate = f"Z99{self.rng.randrange(10**7):07}" if self.rng.random() < 0.5 else ""
        return {
            **self.row(somebody),
            "name": mother.name + ending,
            "id_type": "08" if certificate else "",
            "id_no": certificate,
            "cards": "",
        }

    def row(self, somebody: Somebody) -> dict[str, str]:
        rng, guardian = self.rng, somebody.guardian
        id_type, id_no = self.written_number(somebody)
        knows_guardian = guardian is not None and rng.random() < 0.75
        return {
            "person": str(somebody.person),
            "name": self.written_name(somebody.name),
            "gender": self.written_gender(somebody.gender),
            "born_on": self.written_birthday(somebody.born_on),
            "id_type": id_type,
            "id_no": id_no,
            "phone": self.written_phone(somebody.phone),
            "address": self.written_address(somebody.address),
            "guardian_name": self.written_name(guardian.name) if guardian and knows_guardian else "",
            "guardian_phone": guardian.phone if guardian and knows_guardian and rng.random() < 0.8 else "",
            "cards": somebody.bank_card if rng.random() < 0.1 else "",
        }

    def written_number(self, somebody: Somebody) -> tuple[str, str]:
        rng, number, chance = self.rng, somebody.id_no, self.rng.random()
        if somebody.guardian is not None:
            if chance < 0.004:
                return "01", somebody.guardian.id_no  # the parent's number on the child's file
            chance = chance * 0.6 + 0.4  # half of the children's files have none
        if chance < 0.05 and somebody.born_on.year < 1985:
            return "01", number[:6] + number[8:17]
        if chance > 0.70:
            return "", ""
        if chance > 0.66:
            return "01", slipped(rng, number)
        return "01", number

    def written_name(self, name: str) -> str:
        rng, chance = self.rng, self.rng.random()
        if chance > 0.06:
            return name
        place = rng.randrange(len(name))
        if chance < 0.025:
            alike = self.homophones.get(lazy_pinyin(name[place])[0], "").replace(name[place], "")
            return name[:place] + rng.choice(alike) + name[place + 1 :] if alike else name
        if chance < 0.032:
            near = NEAR_SOUNDS.get(lazy_pinyin(name[place])[0], "")
            alike = "".join(self.homophones.get(sound, "") for sound in near.split())
            return name[:place] + rng.choice(alike) + name[place + 1 :] if alike else name
        if chance < 0.042:
            return "".join(OTHER_FORMS.get(character, character) for character in name)
        if chance < 0.05:
            return name[:place] + rng.choice(MALE + FEMALE) + name[place + 1 :]
        if chance < 0.054:
            return name[0] + name[:0:-1]
        if chance < 0.057 and len(name) > 2:
            return name[:place] + name[place + 1 :]
        return f"{name[0]} {name[1:]}"

    def written_gender(self, gender: str) -> str:
        chance = self.rng.random()
        if chance < 0.005:
            return "female" if gender == "male" else "male"
        return "" if chance < 0.015 else gender

    def written_birthday(self, born_on: date) -> str:
        rng, chance = self.rng, self.rng.random()
        text = born_on.isoformat()
        if chance > 0.05:
            return text
        if chance < 0.007:
            return (born_on - timedelta(days=rng.randint(20, 50))).isoformat()  # the lunar date
        if chance < 0.011:
            return is_day(f"{born_on.year + rng.choice((-1, 1))}{text[4:]}") or text
        if chance < 0.021:
            return is_day(f"{text[:4]}-{text[8:]}-{text[5:7]}") or text
        if chance < 0.034:
            place = rng.choice((3, 6, 8, 9))
            return is_day(text[:place] + str(rng.randrange(10)) + text[place + 1 :]) or text
        return ""

    def written_phone(self, phone: str) -> str:
        chance = self.rng.random()
        if chance < 0.012:
            return slipped(self.rng, phone)
        return "" if chance < 0.07 else phone

    def written_address(self, address: tuple[str, ...]) -> str:
        chance = self.rng.random()
        city, district, street, house, room = address
        if chance < 0.12:
            return ""
        if chance < 0.3:
            return district + street + house + room
        if chance < 0.42:
            return city + district + street + house
        if chance < 0.5:
            return f"{street}{house.replace('号', '-').replace('栋', '-')}{room[:-1]}"
        if chance < 0.52:
            return city + district
        return city + district + street + house + room


def is_day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def slipped(rng: random.Random, digits: str) -> str:
    """One digit wrong, or two neighbours exchanged."""
    place = rng.randrange(len(digits) - 1)
    if rng.random() < 0.4:
        return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    return digits[:place] + str(rng.randrange(10)) + digits[place + 1 :]


def check_digit(first_17: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first_17, weights, strict=True))
    return "10X98765432"[total % 11]


def made_up_rows(rows: int, seed: int) -> Iterator[dict[str, str]]:
    """So many rows with the true person of each; rows of one person lie together."""
    population, made = Population(seed), 0
    while True:
        for somebody in population.family():
            for row in population.rows(somebody):
                if made == rows:
                    return
                made += 1
                yield {"row_id": str(made), **row}


def write_rows(path: Path, rows: int, seed: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(made_up_rows(rows, seed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.persons")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    write_rows(arguments.out, arguments.rows, arguments.seed)
