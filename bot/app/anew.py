"""Anew: a process that is asked to by SIGHUP becomes itself again, with the settings as they are then.

It keeps its number, so whoever looks after it sees no end; what was under way is finished first. Nothing of
the old settings is left anywhere, as if it had been stopped and started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Literal

Ended = Literal["for good", "anew"]


def has_terminal() -> bool:
    """Tell whether a person sits before this process: then SIGHUP says that they have left."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def heed_no_further_asking() -> None:
    """Let SIGHUP pass from now on, until the process that comes of this one heeds it again."""
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def begin_anew() -> None:
    """Become the process that the same command line starts; does not return."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - its own command line
