"""What a person is."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Evidence:
    """Who confirmed that name and document belong together (B6.2): the source, its serial number, when."""

    source: str
    serial_no: str
    confirmed_at: datetime


@dataclass(frozen=True)
class Person:
    person_id: str
    name: str
    gender: str
    born_on: date
    id_type: str
    id_no: str
    phone: str
    evidence: Evidence
