"""The child: draws what its standard input asks for, until that ends."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import BinaryIO

from bot.charts.wire import ERROR, HEAD, PICTURE, NotDrawn, framed, length_of
from bot.messages.pictures import read_picture

# Longer than anybody waits; so a child that hangs ends even if whoever would kill it is gone.
_LONGEST_S = 120


def main() -> None:
    """Answer one request after the other."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not be taken for an answer.
    sys.stdout = sys.stderr
    while len(head := asked.read(HEAD.size)) == HEAD.size:
        faulthandler.dump_traceback_later(_LONGEST_S, exit=True)
        length = length_of(head)
        body = asked.read(length)
        if len(body) == length:
            _answer(body, answers)
        faulthandler.cancel_dump_traceback_later()


def _answer(body: bytes, answers: BinaryIO) -> None:
    try:
        # Loaded here, so that a machine that lacks it answers in a sentence too.
        from bot.charts.backtest import draw  # noqa: PLC0415

        answer = PICTURE + draw(read_picture(body))
    except NotDrawn as refusal:
        answer = ERROR + str(refusal).encode()
    except Exception as failure:  # noqa: BLE001 - whatever it is, the other process says it in its log
        answer = ERROR + f"{type(failure).__name__}: {failure}".encode(errors="replace")
    answers.write(framed(answer))
    answers.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody is there any more, so there is nobody to flush the rest for either.
        os._exit(1)
