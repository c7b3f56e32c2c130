"""(g) Everybody is claimed through three channels at once: at home, at a window, by a child (F35)."""

import time
from collections import Counter

from tests.faults.checkers import Finding
from tests.faults.clients import Resident, in_parallel
from tests.faults.people import Person
from tests.faults.runs import Outcome, Say, Set, new_set

AT_ONCE = 24


def claim_everywhere(seed: int, say: Say, *, people: int, waits: bool) -> Outcome:
    """`people` persons, three claims each in the same moment: one card and one person each, no more."""
    outcome = Outcome("one person claimed through three channels at once", seed, trials=people)
    with new_set(people, seed) as on:
        serve, on.clients.url = on.stage.serve()
        port = int(on.clients.url.rsplit(":", 1)[1])
        on.stage.worker()
        residents = _signed_in(on)
        say(f"{len(residents)} signed in")
        started_at = time.monotonic()
        on.clients.run(in_parallel(_claims(on, residents), AT_ONCE), 1_200)
        on.clients.settle(300)
        took_s = time.monotonic() - started_at
        answers = Counter(
            f"{one.kind} {one.refusal or one.attempts[-1].status}"
            for one in on.history.operations
            if one.kind in ("claim", "issue")
        )
        say(f"{3 * people} claims in {took_s:.0f} s: {dict(sorted(answers.items()))}")
        assert serve.is_running
        cards = on.stage.database.cards.count_documents({"is_live": True})
        persons = on.stage.database.persons.count_documents({})
        problems = (
            [] if cards == persons == people else [f"{people} people: {cards} cards, {persons} persons"]
        )
        outcome.findings["F35 one person, one card, through whatever channels"] = Finding(people, problems)
        outcome.figures |= {"answers": dict(sorted(answers.items())), "claims_s": round(took_s, 1)}
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def _signed_in(on: Set) -> list[Resident]:
    found: list[Resident] = []

    async def sign_in(person: Person) -> None:
        resident = await on.clients.sign_in(person)
        assert resident is not None, "nothing has failed yet"
        found.append(resident)

    on.clients.run(in_parallel([lambda one=one: sign_in(one) for one in on.people], AT_ONCE), 600)  # type: ignore[misc]
    return found


def _claims(on: Set, residents: list[Resident]) -> list:  # type: ignore[type-arg]
    """For each person the three claims side by side, so that they meet."""
    works = []
    for number, resident in enumerate(residents):
        child = residents[number - 1]
        works += [
            lambda one=resident: on.clients.claim(one),
            lambda one=resident: on.clients.issue(one.person),
            lambda one=resident, by=child: on.clients.claim_parent(by, one.person),
        ]
    return works
