"""Scripts and small reads on their way to Redis: those that are asked for at one time leave in one write."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

_MOST = 128


@dataclass(frozen=True, slots=True)
class _Asked:
    words: tuple[str | float, ...]
    answer: asyncio.Future[Any]
    script: str = ""


class Batches:
    """Runs scripts and reads on one client, `seconds` at the most for a batch of them.

    While a batch is on its way, what is asked for meanwhile gathers for the next: a hundred deliveries that
    go on at once cost two writes, not two hundred. Each has its own answer or its own failure. A caller that
    is cancelled no longer waits; what it asked for may be done all the same, as with any command.
    """

    def __init__(self, client: Any, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._asked: list[_Asked] = []
        self._sending: asyncio.Task[None] | None = None

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        """Return the answer of a script; raises what the library raises."""
        return await self._asked_for(("EVALSHA", digest(script), len(keys), *keys, *arguments), script)

    async def read(self, *words: str) -> Any:
        """Return the answer of a command that changes nothing; raises what the library raises."""
        return await self._asked_for(words)

    async def _asked_for(self, words: tuple[str | float, ...], script: str = "") -> Any:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._asked.append(_Asked(words, answer, script))
        if self._sending is None:
            self._sending = loop.create_task(self._send())
        return await answer

    async def close(self) -> None:
        """Let what is on its way end."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def _send(self) -> None:
        try:
            while self._asked:
                batch, self._asked = self._asked[:_MOST], self._asked[_MOST:]
                await self._send_batch(batch)
        finally:
            self._sending = None

    async def _send_batch(self, batch: Sequence[_Asked]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                answers = await self._answers(batch)
                unknown = [each for each, answer in zip(batch, answers, strict=True) if _is_unknown(answer)]
                if unknown:
                    # A script that is not known did nothing: what it was asked for is asked for again.
                    await self._teach({each.script for each in unknown})
                    again = dict(zip(map(id, unknown), await self._answers(unknown), strict=True))
                    answers = [again.get(id(each), old) for each, old in zip(batch, answers, strict=True)]
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told of it
            answers = [error] * len(batch)
        for each, answer in zip(batch, answers, strict=True):
            if each.answer.done():
                continue
            if isinstance(answer, Exception):
                each.answer.set_exception(answer)
            else:
                each.answer.set_result(answer)

    async def _answers(self, batch: Sequence[_Asked]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for each in batch:
                pipe.execute_command(*each.words)
            answers: list[Any] = await pipe.execute(raise_on_error=False)
        return answers

    async def _teach(self, scripts: set[str]) -> None:
        for script in sorted(scripts):
            await self._client.script_load(text(script))


def _is_unknown(answer: object) -> bool:
    return isinstance(answer, NoScriptError)


@cache
def text(script: str) -> str:
    """Return a script of `scripts/`."""
    return files("bot.store").joinpath("scripts", f"{script}.lua").read_text(encoding="utf-8")


@cache
def digest(script: str) -> str:
    """Return the name that the server knows a script by."""
    return hashlib.sha1(text(script).encode(), usedforsecurity=False).hexdigest()
