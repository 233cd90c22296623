"""Processes that stand still, are short of everything, meet poison, or have a twin."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from contextlib import suppress

from bot.store import outbox
from tests.acceptance.processes import until
from tests.faults.invariants import Tally, check
from tests.faults.processes import Part
from tests.faults.rows import Size
from tests.faults.stage import Stage, stage, telegram_chat
from tests.faults.stories import story

# How many chats hear each desk where all listen.
LISTENERS = 3


async def suspended(chance: random.Random, size: Size) -> Tally:
    """Stop everything for some seconds, as a machine that sleeps does, and let it go on."""
    async with stage(chance) as made:
        await made.listen_all()
        await made.sender()
        await made.raiser(size.alerts, together=2, pause=0.02)
        stops = 3
        for _ in range(stops):
            await asyncio.sleep(0.3 + chance.random() * 0.3)
            # The lease of what is on its way may end while all stands still: nobody knows about that then.
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for part in made.parts:
                    if part.alive:
                        part.signal(number)
                if number == signal.SIGSTOP:
                    await asyncio.sleep(size.kills)
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        tally.notes.append(f"all stood still {stops} times for {size.kills} s")
        return tally


async def short_of_everything(chance: random.Random, size: Size) -> Tally:
    """Close a sender's output, fill its log's disk, and let it open only 64 files."""
    async with stage(chance) as made:
        await made.listen_all()
        sender = await made.sender(started=False)
        tally = Tally()
        share = size.alerts // 3
        # Nobody reads what it says any more.
        await sender.start()
        assert sender.process is not None
        await until(lambda: sender.redis.seen["zrange"] > 0)
        for number in (1, 2):
            _close(sender, number)
        await _tells(made, sender, share, tally, "with its output closed")
        # The disk with its log is full: /dev/full refuses every byte.
        await _restarted_with(sender, "exec 2>/dev/full 1>/dev/full")
        await _tells(made, sender, share, tally, "with a full disk")
        await _restarted_with(sender, "ulimit -n 64")
        await _tells(made, sender, share, tally, "with 64 files")
        checked = await check(made, made.told)
        checked.problems += tally.problems
        checked.notes += tally.notes
        return checked


def _close(part: Part, number: int) -> None:
    """Close our end of the pipe that a part speaks into."""
    assert part.process is not None
    transport = part.process.child._transport.get_pipe_transport(number)  # type: ignore[attr-defined]  # noqa: SLF001
    transport.close()


async def _restarted_with(part: Part, shell: str) -> None:
    """Start a part again under what a line of shell sets."""
    assert part.process is not None
    part.process.child.send_signal(signal.SIGTERM)
    await part.process.child.wait()
    python = part.words
    part.words = ("-c", _UNDER, shell, *python)
    await part.start()
    part.words = python


_UNDER = (
    "import os, sys; "
    "os.execv('/bin/sh', ['sh', '-c', sys.argv[1] + '; exec \"$@\"', 'sh', sys.executable, *sys.argv[2:]])"
)


async def _tells(made: Stage, part: Part, number: int, tally: Tally, how: str) -> None:
    """A part delivers what is raised, or ends and says so by its status: it is never there and idle."""
    await made.tell(max(number, 1))
    with suppress(TimeoutError):
        await made.rest(20)
    assert part.process is not None
    if await made.at_rest():
        tally.notes.append(f"delivers {how}")
        return
    status = part.process.child.returncode
    if status:
        tally.notes.append(f"ends with {status} {how}")
        await part.start()
        await made.rest()
        return
    tally.problems.append(f"half alive {how}: status {status}, {await made.standing()}")


async def poison(chance: random.Random, size: Size) -> Tally:
    """Put junk where jobs, mail, chats and subscriptions are: all else passes by it."""
    async with stage(chance) as made:
        await made.listen_all()
        keys, client, chat = made.link.keys, made.link.client, telegram_chat(0)
        sender = await made.sender()
        junk = ("{", "no job", '{"job": 1}', '{"job": "x", "raised": "y", "alerts": 5}')
        for each in junk:
            await client.rpush(keys.jobs(), each)
        raiser = await made.raiser(size.alerts, together=2)
        await made.raised(size.alerts)
        await made.rest()
        made.told = size.alerts
        # Two alerts whose facts nobody can read, among others, and a chat that no chat can be called.
        sender.signal(signal.SIGSTOP)
        await made.tell(16)
        spoilt = (made.told - 16, made.told - 3)
        for number, text in zip(spoilt, ("{no facts", "[]"), strict=True):
            await client.set(keys.alert(story(number, 0).fingerprint), text, keepttl=True)
        await client.hset(keys.boxes(), "telegram:no:chat:at:all", story(made.told - 1, 0).fingerprint)
        await client.zadd(keys.due(chat.route), {"telegram:no:chat:at:all": time.time() * 1000})
        sender.signal(signal.SIGCONT)
        await made.rest()
        await made.tell(8)
        await made.rest()
        tally = await check(made, made.told)
        dead = await client.hgetall(keys.dead())
        counted = await outbox.counts(made.link)
        tally.must(sender.alive, f"the sender ended: {sender.said}")
        tally.must(raiser.process is not None and raiser.process.child.returncode in {None, 0}, raiser.said)
        tally.must(sum(each.startswith("job ") for each in dead) == len(junk), f"junk jobs: {dead}")
        letters = {each.partition(" ")[2] for each in dead}
        for number in spoilt:
            tally.must(
                story(number, 0).fingerprint in letters, f"{number} cannot be read and is no dead letter"
            )
        tally.must(tally.ended["dead"] == 2 * LISTENERS, f"{tally.ended['dead']} ended as dead")
        tally.notes.append(f"{len(dead)} dead letters, counted {counted}")
        return tally


async def two_pollers(chance: random.Random, size: Size) -> Tally:
    """Start two processes that poll for one bot: alerts flow, and a command is answered once."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=2, channels=0)
        await made.sender()
        one, other = [await made.part("telegram", "-m", "bot", "telegram") for _ in range(2)]
        await until(lambda: any(each.code == 409 for each in made.telegram.journal), 40)
        await made.tell(size.alerts)
        await made.rest()
        asking = 4242
        asked = time.monotonic()
        made.telegram.say(asking, asking, "/start")
        await until(lambda: bool(made.telegram.messages[asking]), 60)
        answered = time.monotonic() - asked
        await asyncio.sleep(1)
        tally = await check(made, made.told, besides={asking})
        tally.must(
            len(made.telegram.messages[asking]) == 1, f"answered {len(made.telegram.messages[asking])} times"
        )
        said = [each.said for each in (one, other)]
        tally.must(any("Another process polls Telegram" in each for each in said), f"said: {said}")
        tally.must(one.alive and other.alive, "one of them ended")
        tally.notes.append(f"a command was answered once, after {answered:.1f} s")
        return tally


async def mute_poll(chance: random.Random, size: Size) -> Tally:
    """Let the line that polls Telegram die without a word; it must be noticed, and alerts flow meanwhile."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=2, channels=0)
        await made.sender()
        poller = await made.part("telegram", "-m", "bot", "telegram")
        await until(lambda: bool(made.telegram.calls("getUpdates")))
        poller.platforms[0].mute()
        mute, asking, polls = time.monotonic(), 4242, len(made.telegram.calls("getUpdates"))
        await made.tell(size.alerts)
        await made.rest()
        made.telegram.say(asking, asking, "/start")
        await until(lambda: bool(made.telegram.messages[asking]), 130)
        seconds = time.monotonic() - mute
        tally = await check(made, made.told, besides={asking})
        tally.must(seconds <= 120, f"it was noticed after {seconds:.0f} s")
        tally.must(len(made.telegram.calls("getUpdates")) > polls, "nobody polled anew")
        tally.notes.append(f"noticed and revived after {seconds:.0f} s")
        return tally
