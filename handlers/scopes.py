"""What a partner's app may be allowed to do.  The sentence is what people are shown when they grant it."""

SCOPES: dict[str, str] = {
    "verification": "read a health card's code shown to its terminals, and get who its holder is, masked",
    "verification.full": "get the whole document number and phone number with a verified code",
}
