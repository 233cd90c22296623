"""The schema that data is written in: an older one is brought over at start, a newer one is refused."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import MachineTime
from bot.errors import Away, UsageError, WrongServer
from bot.store.keys import SCHEMA, Keys
from bot.store.link import Link, reached
from bot.store.schema_one import from_one_to_two

_LOCKED_MS = 15_000
_AGAIN_S = 0.2
_LEFT_S = 30 * 24 * 3600
_FOR_GOOD_MS = 100 * 365 * 24 * 3_600_000
_OURS = "schema "

Report = Callable[..., None]

STEPS = {1: from_one_to_two}
"""What brings data of a schema over to the next one: killed anywhere, each goes on when it is asked again."""


async def prepare(link: Link, clock: MachineTime, report: Report, *, alone: bool = False) -> None:
    """See that the data of a namespace is in this release's schema, before anything else is done with it.

    An older one is brought over by one process, while others that are started wait for it. Whoever is `alone`
    has the data in a folder of its own, which no other process uses. Raises `WrongServer` for a newer one,
    `UsageError` where an older Marketbell still runs on it, and `Away` when the server does not answer; asked
    again, it goes on.
    """
    token = f"{_OURS}{SCHEMA} {secrets.token_hex(8)}"
    while (found := await _found(link)) != SCHEMA:
        if found is None:
            async with reached():
                await link.client.set(link.keys.stamp(), SCHEMA, nx=True)
            continue
        if found > SCHEMA:
            elsewhere = "name another data folder" if alone else "set REDIS_URL to another Redis"
            raise WrongServer(
                f"This data was written by a newer Marketbell (schema {found}): upgrade, or {elsewhere}."
            )
        lock = _Lock(link, Keys(link.keys.namespace, found), token, clock)
        if alone:
            await lock.clear()
        if not await lock.hold():
            await lock.wait(report)
            continue
        report("older data is brought over", schema=found, to=found + 1)
        await STEPS[found](link, Keys(link.keys.namespace, found + 1), lock.old, lock.keep)
        async with reached():
            await link.client.set(link.keys.stamp(), found + 1)
        await lock.leave()
        report("older data was brought over", schema=found + 1)


async def check(link: Link) -> None:
    """Raise `UsageError` where the Marketbell that runs here keeps its data in another schema."""
    found = await _found(link)
    if found is None or found == SCHEMA:
        return
    older = "an older one" if found < SCHEMA else "a newer one"
    remedy = "stop it, then start this one" if found < SCHEMA else "upgrade this one"
    raise UsageError(f"The Marketbell that runs here is {older} (schema {found}): {remedy}.")


async def _found(link: Link) -> int | None:
    """Return the schema that the data is in, None where there is none."""
    async with reached():
        stamp = await link.client.get(link.keys.stamp())
        if stamp is not None and not stamp.isdecimal():
            raise WrongServer(
                f"The schema of this data is “{stamp[:20]}”, which no Marketbell writes: name other data."
            )
        if stamp is not None:
            return int(stamp)
        # The first release left no stamp; whoever subscribed or watched left one of these.
        first = Keys(link.keys.namespace, 1)
        for key in (f"{first.chats}joins", first.epoch()):
            if await link.client.exists(key):
                return 1
    return None


@dataclass(frozen=True, slots=True)
class _Lock:
    """The right to bring data over: the lease of the older schema's worker, which no worker then has."""

    link: Link
    old: Keys
    token: str
    clock: MachineTime

    async def hold(self, milliseconds: int = _LOCKED_MS) -> bool:
        """Take or renew it; False where somebody else has it."""
        now = self.clock()
        keys = [self.old.lease(), self.old.epoch()]
        return bool(int(await self.link.run("lease", keys, [self.token, now, now + milliseconds])))

    async def keep(self) -> None:
        """Renew it; `Away` where it was lost meanwhile."""
        if not await self.hold():
            raise Away("Another process brings the older data over.")

    async def clear(self) -> None:
        """Take it from whoever left it: nobody has it now."""
        async with reached():
            holder = await self.link.client.hget(self.old.lease(), "holder")
            if holder != self.token:
                await self.link.client.delete(self.old.lease())

    async def leave(self) -> None:
        """Keep it, so that a worker of the older release stands by, for as long as one may be left."""
        await self.hold(_FOR_GOOD_MS)
        async with reached():
            await self.link.client.expire(self.old.lease(), _LEFT_S)
            await self.link.client.expire(self.old.epoch(), _LEFT_S)

    async def wait(self, report: Report) -> None:
        """Wait until whoever has it is done with it or gone; `UsageError` for a worker that stays."""
        holder, deadline = await self._holder()
        report("waiting for the data", holder="another start" if holder.startswith(_OURS) else "a worker")
        while self.clock() <= deadline:
            await asyncio.sleep(_AGAIN_S)
            if await _found(self.link) != self.old.schema:
                return
        if holder.startswith(_OURS):
            return
        who, until = await self._holder()
        if who == holder and until > deadline:
            raise UsageError(
                f"An older Marketbell (schema {self.old.schema}) still runs on this data: "
                "stop all of its processes, then start this one."
            )

    async def _holder(self) -> tuple[str, int]:
        async with reached():
            holder, deadline = await self.link.client.hmget(self.old.lease(), "holder", "deadline")
        return holder or "", int(deadline or 0)
