"""What a partner's app may be allowed to do.  The sentence is what people are shown when they grant it."""

SCOPES: dict[str, str] = {
    "app": "see its own entry in the register, and replace its own keys",
    "verification": "read a health card's code shown to its terminals, and get who its holder is, masked",
    "cards.issue": "give out cards at its windows and kiosks, and print codes of cards it has seen",
    "codes.show": "show a holder, on its own pages, the renewing code of a card it gave out or has verified",
    "verification.full": "get the whole document number and phone number with a verified code",
    "visits": "tell residents the way through a visit, and call them from a queue",
    "examinations": "tell what examinations were ordered, for residents to book them",
    "usage.report": "tell the card centre of uses of cards that it saw itself",
    "messages": "send its patients messages, and remind them",
    "prescriptions": "tell what its patients take home, so that they are reminded",
    "persons.register": "tell the card centre who its patients are, and learn the number that leads to each",
    "persons.pix": "say what it calls a person, and learn what other institutions call the same person",
    "slots": "load the schedules of its institution into the platform's pools, and close them",
}
