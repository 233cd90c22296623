"""The line that somebody asks: read from a request, or refused."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from bot.messages.words import one_line
from bot.platforms.web.text import clean

_LONGEST = 4096


class NoLineError(Exception):
    """A request that holds no line, with the sentence that says so and the status of its answer."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


async def read_line(request: Request) -> str:
    """Return the line that a request holds, or raise `NoLineError`."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST:
                raise NoLineError(
                    "That is longer than the 4 KB that a line may have: ask for less at once.", 413
                )
        line = one_line(clean(body.decode()))
    except UnicodeDecodeError as error:
        raise NoLineError("That is no UTF-8 text: send the line as it is typed.", 400) from error
    except ClientDisconnect as error:
        raise NoLineError("Whoever asked hung up.", 400) from error
    if not line:
        raise NoLineError("Type a command first: /help lists them.", 400)
    return line
