"""Money is a whole number of fen (分); yuan exist only on paper."""

import re

_YUAN = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,2}))?")


def fen_from_yuan(text: str) -> int:
    """Fen of a decimal text such as "12.3"; ValueError for more than two decimals or anything else."""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount in yuan")
    sign, yuan, cents = match.groups()
    amount_fen = int(yuan) * 100 + int((cents or "").ljust(2, "0"))
    return -amount_fen if sign else amount_fen


def yuan_from_fen(amount_fen: int) -> str:
    """Exactly two decimals, "-0.05" for -5: what payment platforms and people read."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"
