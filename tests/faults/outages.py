"""Outages of Redis: it is killed, hangs, answers nobody, has no room, has forgotten, is another's."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.exceptions import RedisError

from tests.acceptance.processes import until
from tests.fakes.slack import CHANNEL
from tests.faults.invariants import Tally, check, shown
from tests.faults.processes import SENDING, SETTING_UP, Part, Trap
from tests.faults.proxy import Commands
from tests.faults.rows import BETWEEN, Size
from tests.faults.stage import Patience, Stage, stage, telegram_chat

LONG = Patience(lease=8, send=1, doubt=0.3)


async def killed_redis(chance: random.Random, size: Size) -> Tally:
    """Kill Redis while it works, and start it again on what it had written."""
    async with stage(chance, LONG) as made:
        await made.listen_all()
        await made.sender()
        await made.raiser(size.alerts, together=2, pause=0.02)
        longest = 0.0
        for _ in range(size.kills):
            await _goes_on(made, size, 20)
            await made.redis.kill()
            await asyncio.sleep(0.2 + chance.random() * 0.5)
            await made.redis.start()
            longest = max(longest, await _served(made))
        await made.link.close()
        made.link = await made.redis.reached()
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        tally.must(longest <= 3, f"it took {longest:.1f} s after Redis was back")
        tally.notes.append(f"sending again within {longest:.2f} s after it was back")
        return tally


async def _served(made: Stage) -> float:
    """Wait until every chat that something lies there for was given some of it; return the seconds."""
    began = time.monotonic()
    link = await made.redis.reached()
    try:
        boxes = await link.client.hgetall(link.keys.boxes())
        while left := {chat: box for chat, box in boxes.items() if box}:
            now = await link.client.hmget(link.keys.boxes(), list(left))
            boxes = {
                chat: box
                for (chat, box), held in zip(left.items(), now, strict=True)
                if held and held.split("\n")[0] == box.split("\n")[0]
            }
            if boxes:
                await asyncio.sleep(0.02)
    finally:
        await link.close()
    return time.monotonic() - began


async def _goes_on(made: Stage, size: Size, number: int = 1) -> float:
    """Wait until so many more messages are taken, or all is raised; return the seconds that took."""
    before, began = made.accepted, time.monotonic()
    await until(lambda: made.accepted >= before + number or _is_raised(made, size), 30)
    return time.monotonic() - began


def _is_raised(made: Stage, size: Size) -> bool:
    return made.book.exists() and int(made.book.read_text()) >= size.alerts


async def hanging_redis(chance: random.Random, size: Size) -> Tally:
    """Stop Redis for some seconds: whoever asks on Slack is acknowledged, and what waits is told later."""
    async with stage(chance, Patience(lease=size.kills + 20, send=1, doubt=0.3)) as made:
        made.slack.channels[CHANNEL] = ""
        await made.listen_all()
        await made.listen(telegram_chat(99), desks=range(8))
        slack = await made.part("slack", "-m", "bot", "slack")
        await made.sender()
        await made.slack.until_connected()
        await made.tell(size.alerts // 2)
        await until(lambda: made.accepted > 0)
        made.redis.signal(signal.SIGSTOP)
        ends = time.monotonic() + size.kills
        acks: list[float] = []
        while time.monotonic() < ends:
            acks.append((await made.slack.slash("/quote", "HSTECH")).seconds)
            await asyncio.sleep(0.4)
        made.redis.signal(signal.SIGCONT)
        going_on = asyncio.create_task(made.more())
        await made.tell(size.alerts - made.told)
        seconds = await going_on
        await made.rest()
        tally = await check(made, made.told, besides={CHANNEL})
        tally.must(max(acks) < 0.5, f"Slack was acknowledged after {max(acks):.2f} s")
        tally.must(slack.alive, f"whoever listens ended: {slack.said}")
        tally.must(seconds <= 3, f"it took {seconds:.1f} s after Redis was back")
        tally.notes.append(
            f"stopped for {size.kills} s; {len(acks)} acknowledged, {max(acks) * 1000:.0f} ms at most; "
            f"sending again within {seconds:.2f} s"
        )
        return tally


async def lost_replies(chance: random.Random, size: Size) -> Tally:
    """Lose one exchange after another, one a round: the n-th of a raiser and the n-th of a sender."""
    async with stage(chance, Patience(lease=5, send=2, doubt=0.2)) as made:
        await made.listen_all(people=6, groups=1, channels=3)
        sender = await made.sender()
        raiser = await made.raiser(size.alerts, together=3, pause=0.05, started=False)
        sender.spared = raiser.spared = True
        await raiser.start()
        others, number = SETTING_UP | SENDING | {"conversations.history"}, 0
        while len(sender.sprung) + len(raiser.sprung) < size.kills and number < 4 * size.kills:
            number += 1
            for part in (sender, raiser):
                part.trap = Trap(number % 24 + 1, chance.choice(BETWEEN), lambda name: name not in others)
            with suppress(TimeoutError):
                await until(lambda: sender.trap is not None and bool(sender.trap.at), 3)
        sender.trap = raiser.trap = None
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        cut = len(sender.sprung) + len(raiser.sprung)
        tally.must(cut >= size.kills, f"only {cut} of {size.kills} exchanges were lost")
        tally.must(not tally.repeated_unknown, f"{tally.repeated_unknown} repeated: Redis alone lost replies")
        tally.notes.append(f"{cut} exchanges lost, at {len({*sender.sprung, *raiser.sprung})} kinds of place")
        return tally


async def refusing_redis(chance: random.Random, size: Size) -> Tally:
    """Let Redis refuse to write: for want of room, as a replica, for want of replicas of its own."""
    async with stage(chance, LONG) as made:
        await made.listen_all()
        sender = await made.sender()
        await made.raiser(size.alerts, together=2, pause=0.02)
        client = made.link.client
        refusals: tuple[tuple[str, Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]], ...] = (
            (
                "no room",
                lambda: client.config_set("maxmemory", "1mb"),
                lambda: client.config_set("maxmemory", "0"),
            ),
            ("a replica", lambda: client.replicaof("127.0.0.1", "1"), lambda: client.replicaof("NO", "ONE")),
            (
                "no replicas",
                lambda: client.config_set("min-replicas-to-write", "1"),
                lambda: client.config_set("min-replicas-to-write", "0"),
            ),
        )
        seconds: dict[str, float] = {}
        for _ in range(size.kills):
            for name, begin, end in refusals:
                await _goes_on(made, size)
                await begin()
                with suppress(RedisError):
                    await client.set("faults", 1)
                    raise AssertionError(f"Redis writes although there is {name}")
                await asyncio.sleep(1.5)
                await end()
                seconds[name] = max(seconds.get(name, 0), await _served(made))
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        tally.must(sender.alive, f"the sender ended: {sender.said}")
        tally.must(max(seconds.values()) <= 3, f"it took {seconds} after Redis wrote again")
        tally.notes.append(
            "again within " + ", ".join(f"{name} {each:.1f} s" for name, each in seconds.items())
        )
        return tally


async def forgetful_redis(chance: random.Random, size: Size) -> Tally:
    """Let Redis forget its scripts again and again, and in the end everything."""
    async with stage(chance) as made:
        await made.listen_all()
        sender = await made.sender()
        await made.raiser(size.alerts, together=2, pause=0.02)
        for _ in range(size.kills):
            await asyncio.sleep(0.1)
            await made.link.client.script_flush()
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        await made.link.client.flushall()
        said = len(sender.said.splitlines())
        await asyncio.sleep(1)
        chat = telegram_chat(0)
        before = len(shown(made, chat))
        made.book.unlink()
        made.told = size.alerts
        await made.listen(chat, desks=range(8))
        await made.tell(4)
        await until(lambda: len(shown(made, chat)) == before + 4)
        lines = len(sender.said.splitlines()) - said
        tally.must(sender.alive, "the sender ended when Redis had forgotten everything")
        tally.must(lines <= 1, f"the sender said {lines} lines about it")
        tally.notes.append(f"scripts forgotten {size.kills} times, then everything once")
        return tally


async def unusable_redis(chance: random.Random, size: Size) -> Tally:
    """Start against a Redis that asks for a password, one that may drop what it holds, and an old one."""
    del size
    tally = Tally()
    cases = (
        (("--requirepass", "sentinel-password-of-redis"), "Redis refuses"),
        (("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"), "maxmemory-policy"),
    )
    async with stage(chance) as made, asyncio.timeout(60):
        part = await made.sender(started=False)
        part.redis.server = await _impostor(made)
        await _must_end(part, "is too old", tally)
        for more, words in cases:
            for setting, value in zip(more[::2], more[1::2], strict=True):
                await made.link.client.config_set(setting.removeprefix("--"), value)
            part.redis.server = made.redis.socket
            await _must_end(part, words, tally)
            await made.link.client.config_set("maxmemory-policy", "noeviction")
            await made.link.client.config_set("requirepass", "")
    tally.notes.append("exit 2 and one line each: too old, no password, may drop what it holds")
    return tally


async def _must_end(part: Part, words: str, tally: Tally) -> None:
    await part.start()
    assert part.process is not None
    status = await part.process.ended()
    said = part.process.err
    tally.must(status == 2, f"it ended with {status}: {part.process.said}")
    tally.must(len(said) == 1 and words in said[0], f"it said {said}, without “{words}”")


async def _impostor(made: Stage) -> tuple[str, int]:
    """Answer every command as a Redis of 2015 does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read = Commands()
        while data := await reader.read(4096):
            for asked in read(data):
                text = b"# Server\r\nredis_version:3.0.6\r\n"
                writer.write(b"$%d\r\n%s\r\n" % (len(text), text) if asked.name == "info" else b"+OK\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.exits.callback(server.close)
    return "127.0.0.1", server.sockets[0].getsockname()[1]
