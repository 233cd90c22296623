"""Nothing goes wrong: what a hold on one chat does to others, and how much of the permitted rate is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from random import Random

from redis.asyncio import Redis

from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats
from bot.store.keys import Keys
from bot.store.link import Place
from tests.cast import alert
from tests.simulation import virtual
from tests.simulation.platform import Post, Service
from tests.simulation.run import mail_in_virtual_time, taught
from tests.simulation.session import Session
from tests.simulation.world import CALM, ROUTES, World


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown, and what came faster than the platform permits."""

    posts: tuple[Post, ...]
    too_fast: tuple[str, ...]

    def times(self, *, but: str = "") -> dict[tuple[str, tuple[str, ...]], int]:
        """Return when each chat was shown what, without one chat."""
        return {(each.chat, each.alerts): each.at for each in self.posts if each.chat != but}


def shown(place: Place, people: int, every: float, seconds: float, held: str = "", senders: int = 3) -> Shown:
    """Tell `people` private chats of an alert `every` so many seconds, for `seconds`.

    The platform asks the chat `held` to wait for half a minute when it is first sent something.
    """
    with mail_in_virtual_time():
        return virtual.run(_shown(place, people, every, seconds, held, senders))


async def _shown(place: Place, people: int, every: float, seconds: float, held: str, senders: int) -> Shown:
    real = Redis(unix_socket_path=str(place.socket), decode_responses=True, protocol=2)
    world = World(real, Keys("steady"), Random(1), CALM)
    try:
        await taught(world)
        everybody = tuple(ChatId("telegram", "77", str(1000 + number)) for number in range(people))
        services = (Service(world, ROUTES[0], tells=False), Service(world, ROUTES[1], tells=True))
        if held:
            services[0].held[held] = world.loop.time() + 30
        session = Session(world, everybody, [], services)
        observer = world.observer()
        for chat in everybody:
            await chats.subscribe(observer.link(), chat, EVERYTHING, world.now)
        for number in range(senders):
            session.start_sender(number)
        start, step = world.loop.time(), 0
        while world.loop.time() - start < seconds:
            step += 1
            told = replace(alert(step, before=step - 1, raised=world.now), urgency="urgent")
            link = observer.link()
            await stored.raise_together(link, 1, f"job{step}", world.now, [told])
            await FanOut(link, observer.clock).work_off()
            world.wake_all()
            await asyncio.sleep(every)
        await session.rest()
    finally:
        world.over = True
        await real.aclose()
    return Shown(tuple(services[0].journal), tuple(services[0].too_fast))
