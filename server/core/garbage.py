"""Python's garbage collector in a process that answers requests."""

import gc

COLLECT_AFTER = 20_000  # objects made and not yet freed; Python's own 700 is a request or two


def spare_the_collector() -> None:
    """What the process was built of stays for good: the collector need not walk through it again and again,
    nor at every few requests.  Rings of what requests leave behind are still found."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
