"""Child processes that do not outlive their parent, whatever ends the parent."""

import os
import sys
from collections.abc import Sequence

# Runs in a fresh interpreter between fork and exec: code run in the forked child itself (preexec_fn) may
# deadlock when the parent has threads.  The kernel's setting survives exec.
_TIE = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]} cannot be run: {error.strerror}")
"""


def tied_argv(argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` and gets SIGTERM when the thread that started it ends (on Linux; elsewhere
    `argv` as it is).  Start it from the main thread, or from a thread that waits for it.  A program that
    cannot be run ends with 1 and says so on stderr."""
    if not sys.platform.startswith("linux"):
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid()), *argv]
