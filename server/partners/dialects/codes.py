"""The table: our stable code → the number the Tencent style answers with.

Nobody publishes the numbers of existing platforms beyond 0 for success, so these are ours: the first digit
says whose turn it is (1 the programmer's, 2 the holder's of the card, 3 the card centre's, 5 try again).  A
code that is not here goes by its kind.  `ehc.*` knows success and failure only; there the stable code leads
the message, as it does here too.
"""

from server.core.errors import (
    Conflict,
    EhcError,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

SUCCESS = 0
FAILED = 50000
"A mistake of ours."

RESULT_CODES = {
    "request.not_json": 10001,
    "request.invalid": 10002,
    "dialect.unknown_call": 10003,
    "partner.unauthenticated": 11001,
    "dialect.token_over": 11002,
    "dialect.needs_tls": 11003,
    "scope.missing": 12001,
    "terminal.unknown": 12002,
    "scene.unknown": 13001,
    "channel.unknown": 13002,
    "code.malformed": 20001,
    "code.forged": 20002,
    "code.expired": 20003,
    "code.already_used": 20004,
    "code.superseded": 20005,
    "code.reissued": 20006,
    "code.unknown_card": 20007,
    "scene.requires_dynamic": 20008,
    "pin.required": 20009,
    "card.pending": 21001,
    "card.frozen": 21002,
    "card.lost": 21003,
    "card.cancelled": 21004,
    "card.refused": 21005,
    "card.not_found": 21006,
    "card.not_active": 21007,
    "identity.mismatch": 22001,
    "document.invalid_number": 22002,
    "document.proves_nobody": 22003,
    "face_to_face.required": 22004,
    "claim.guardian_required": 22005,
    "name.invalid": 22006,
    "phone.invalid": 22007,
    "identifier.taken": 23001,
}
_KINDS: dict[type[EhcError], int] = {
    Malformed: 10000,
    Unauthenticated: 11000,
    Forbidden: 12000,
    NotFound: 13000,
    Conflict: 21000,
    TooLarge: 10004,
    InvalidInput: 22000,
    TooMany: 51000,
    Unavailable: 52000,
}


def result_code(error: EhcError) -> int:
    return RESULT_CODES.get(error.code) or _KINDS.get(type(error), FAILED)


def message_of(error: EhcError) -> str:
    """`code.expired: this code is no longer valid …`: programs read up to the colon, people all of it."""
    return f"{error.code}: {error.message}"
