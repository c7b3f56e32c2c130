"""Made-up people for a run: as many as it needs, the same for the same seed, region 99xxxx, phones 198…"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.city import check_digit

# Two characters each, so that a name is twelve bytes and not in a file by chance.
SURNAMES = ("欧阳", "上官", "司马", "诸葛", "尉迟", "皇甫", "慕容", "令狐")
GIVEN = "伟芳静敏丽强磊军洋勇艳杰娟涛明超霞平刚桂兰雨桐欣怡浩然国庆"
MAX_PEOPLE = 100_000


@dataclass(frozen=True)
class Person:
    name: str
    id_no: str
    phone: str

    def application(self) -> dict[str, Any]:
        """The body of a claim."""
        return {
            "name": self.name,
            "id_type": "01",
            "id_no": self.id_no,
            "phone": self.phone,
            "relation": "self",
        }

    def known(self) -> dict[str, str]:
        """As the real-name authority and the mobile operator of the sandbox are told."""
        return {"name": self.name, "id_type": "01", "id_no": self.id_no, "phone": self.phone}


def make_people(number: int, seed: int) -> list[Person]:
    """`number` people, no two with one document or one phone."""
    rng = random.Random(seed)
    phones = rng.sample(range(MAX_PEOPLE * 10), number)
    return [_person(rng, index, phone) for index, phone in enumerate(phones)]


def _person(rng: random.Random, index: int, phone: int) -> Person:
    # The sequence number and the day of birth are counted up, so no two documents are alike.
    born_on = date(1950, 1, 1) + timedelta(days=index % 20_000)
    first_17 = f"990101{born_on:%Y%m%d}{index // 20_000 * 100 + rng.randrange(100):03d}"
    name = rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2))
    return Person(name, first_17 + check_digit(first_17), f"198{phone:08d}")
