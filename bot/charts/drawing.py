"""One picture for whoever can wait for it: the command line."""

from __future__ import annotations

import subprocess

from bot.charts.wire import COMMAND, HEAD, PLACE, NotDrawn, framed, length_of, png_of, surroundings
from bot.messages.pictures import BacktestPicture, written

_WITHIN_S = 60.0


def draw_backtest(facts: BacktestPicture, within: float = _WITHIN_S) -> bytes:
    """Return the picture of a back-test as PNG.

    Raises `NotDrawn`, one sentence, where it cannot be drawn or takes longer than `within` seconds.
    """
    try:
        return _drawn(framed(written(facts)), within)
    except subprocess.TimeoutExpired:
        why = f"it took longer than {within:g} seconds"
    except (NotDrawn, OSError, ValueError) as failure:
        why = str(failure)
    raise NotDrawn(f"The picture was not drawn: {why}.")


def _drawn(asked: bytes, within: float) -> bytes:
    done = subprocess.run(  # noqa: S603 - this very interpreter, with a module of ours
        COMMAND,
        input=asked,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=within,
        check=False,
        cwd=PLACE,
        env=surroundings(),
    )
    head, body = done.stdout[: HEAD.size], done.stdout[HEAD.size :]
    if len(head) < HEAD.size or len(body) != length_of(head):
        raise NotDrawn(f"the process that draws ended with {done.returncode}")
    return png_of(body)
