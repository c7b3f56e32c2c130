"""What an identifier is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identifier:
    """`value` is what the domain (a hospital, a programme) calls a person."""

    domain: str
    value: str
