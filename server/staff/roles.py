"""The table of permissions and the table of roles (S3).  The sentences are what people read who grant them.

Three administrators hold each other in check: one opens accounts, one gives roles, one reads what was done.
An administrator's account is for administration alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

PERMISSIONS: dict[str, str] = {
    "claims.review": "see claims that need a person's eye, with their pictures, and decide them",
    "persons.read": "find a person and see the record, masked",
    "persons.write": "correct a person's record, with a reason",
    "persons.unmask": "see a person's numbers, telephone and address whole, with a reason",
    "merges.propose": "propose that two records are one person, or that a merge be undone",
    "merges.approve": "decide on a merge that somebody else proposed",
    "policies.write": "see and set the rules of the card centre",
    "audit.read": "read the record of every access and act",
    "staff.read": "see the accounts of staff and their roles",
    "staff.manage": "open, suspend and close accounts of staff; confirm administrators",
    "staff.grant": "give and take roles, unlock accounts",
    "partners.read": "see the register of institutions and apps, and applications for admission",
    "partners.manage": "vet applications, check criteria, suspend apps, keep terminals and keys",
    "partners.review": "decide on the admission of institutions, apps and terminals",
    "hospitals.manage": "say which system each hospital has; load and close schedules in the pools",
    "cards.freeze": "see a card, masked; freeze, reactivate and cancel it, with a reason",
    "security.events": "see and handle security events",
}


@dataclass(frozen=True)
class Role:
    sentence: str
    permissions: frozenset[str]
    is_administrator: bool = False


ROLES: dict[str, Role] = {
    "system_admin": Role(
        "Opens and closes accounts of staff; grants nothing.",
        frozenset({"staff.read", "staff.manage"}),
        is_administrator=True,
    ),
    "security_admin": Role(
        "Gives roles, unlocks accounts, sets the rules; opens no account.",
        frozenset({"staff.read", "staff.grant", "policies.write", "security.events"}),
        is_administrator=True,
    ),
    "audit_admin": Role(
        "Reads the record of what everybody did; changes nothing.",
        frozenset({"staff.read", "audit.read"}),
        is_administrator=True,
    ),
    "claim_reviewer": Role("Decides claims at the review desk.", frozenset({"claims.review"})),
    "registrar": Role(
        "Finds and corrects persons, proposes merges.",
        frozenset({"persons.read", "persons.write", "persons.unmask", "merges.propose"}),
    ),
    "registrar_checker": Role(
        "Decides merges that another registrar proposed.", frozenset({"persons.read", "merges.approve"})
    ),
    "card_clerk": Role(
        "Freezes, reactivates and cancels cards; handles what holders object to.",
        frozenset({"cards.freeze", "security.events"}),
    ),
    "hospital_clerk": Role(
        "Sets up the hospitals one can book at, and their schedules.", frozenset({"hospitals.manage"})
    ),
    "partner_clerk": Role(
        "Vets institutions and keeps the register of their apps.",
        frozenset({"partners.read", "partners.manage"}),
    ),
    "partner_reviewer": Role(
        "Decides admissions that somebody else vetted.", frozenset({"partners.read", "partners.review"})
    ),
}
ADMINISTRATORS = tuple(sorted(name for name, role in ROLES.items() if role.is_administrator))


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """All that the roles allow; a role that is in no table any more allows nothing."""
    return frozenset().union(*(ROLES[name].permissions for name in roles if name in ROLES))


def may_hold_together(roles: Iterable[str]) -> bool:
    """Whether one account may have all of these: an administrator's role stands alone."""
    held = set(roles)
    return len(held) <= 1 or not held & set(ADMINISTRATORS)
