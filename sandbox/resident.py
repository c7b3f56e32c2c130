"""A made-up person of the city."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Gender = Literal["male", "female"]


@dataclass(frozen=True)
class Resident:
    """One made-up person; `id_no` has a right check digit and says the same birthday and gender."""

    name: str
    id_type: str
    id_no: str
    phone: str
    gender: Gender
    birth_on: date

    @property
    def named(self) -> dict[str, str]:
        """Name and document, as every register writes people."""
        return {"name": self.name, "id_type": self.id_type, "id_no": self.id_no}
