"""Mobile phone numbers of mainland China."""

import re

from server.core.errors import InvalidInput


def read_phone(text: str) -> str:
    """Eleven digits; InvalidInput `phone.invalid`.  Spaces, dashes and +86 are forgiven."""
    digits = re.sub(r"[\s-]", "", text)
    digits = digits.removeprefix("+86")
    if not re.fullmatch(r"1[3-9][0-9]{9}", digits, re.ASCII):
        raise InvalidInput("phone.invalid", "a mobile phone number has 11 digits and begins with 1")
    return digits
