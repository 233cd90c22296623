"""Platforms that ask for patience, and very many chats at their own limits."""

from __future__ import annotations

import asyncio
import random
import statistics
import time

from tests.acceptance.processes import until
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.faults.invariants import Tally, check
from tests.faults.rows import Size
from tests.faults.stage import (
    REAL,
    REAL_SLACK,
    Patience,
    Stage,
    group_chat,
    stage,
    telegram_chat,
)

_SLOW = "Too Many Requests: retry after {0}"


def _too_many(seconds: int) -> fake_telegram.Answer:
    return fake_telegram.Answer(429, _SLOW.format(seconds), {"retry_after": seconds})


async def one_chat_asked_for_patience(chance: random.Random, size: Size) -> Tally:
    """Let Telegram ask for some seconds of patience with one group."""
    async with stage(chance) as made:
        group = group_chat(0)
        await made.listen(group, desks=[0])
        await made.listen(*(telegram_chat(each) for each in range(8)), desks=range(1, 8))
        made.scripted_429 = True
        await made.sender()
        await made.tell(16)
        await made.rest()
        calm = await _latencies(made, size.alerts)
        made.telegram.script(_too_many(size.kills), chat=int(group.chat))
        began = time.monotonic()
        await made.tell(8)
        held = await _latencies(made, size.alerts)
        await made.rest(60)
        calls = [each.at for each in made.telegram.calls("sendMessage") if each.chat == int(group.chat)]
        after = next(at for at in calls if at > began + 0.5) - next(at for at in calls if at >= began)
        tally = await check(made, made.told)
        tally.must(size.kills <= after <= size.kills + 1.5, f"held {after:.2f} s of {size.kills}")
        tally.must(
            statistics.median(held) < 2 * statistics.median(calm) + 0.05,
            f"others' median went from {statistics.median(calm):.3f} to {statistics.median(held):.3f} s",
        )
        tally.notes.append(
            f"held {after:.2f} s of {size.kills}; others took {statistics.median(calm) * 1000:.0f} ms before "
            f"and {statistics.median(held) * 1000:.0f} ms meanwhile, in the middle"
        )
        return tally


async def _latencies(made: Stage, number: int) -> list[float]:
    """Raise stories one by one for chats that are not held; return the seconds until each is accepted."""
    taken = []
    for _ in range(number):
        while made.told % 8 == 0:
            made.told += 1
            made.skipped.add(made.told - 1)
        raised, told = time.monotonic(), asyncio.create_task(made.more(8))
        await asyncio.sleep(0)
        await made.tell(1)
        await told
        last = max(each[-1].at for chat, each in made.telegram.messages.items() if chat > 0 and each)
        taken.append(last - raised)
    return taken


async def everything_asked_for_patience(chance: random.Random, size: Size) -> Tally:
    """Let Telegram ask two chats for patience, and Slack with a time, without one and with garbage."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=0, channels=4)
        made.scripted_429 = True
        await made.sender()
        await made.tell(8)
        await made.rest()
        notes: list[str] = []
        tally = Tally()
        made.telegram.script(_too_many(2), times=2)
        began = time.monotonic()
        await made.tell(size.alerts)
        await made.rest(60)
        refused = [each.at for each in made.telegram.journal if each.at > began and each.code == 429]
        calls = [each.at for each in made.telegram.calls("sendMessage")]
        # What had left already when the second answer came is no call in the hold.
        early = [at for at in calls if refused[1] + 0.3 < at < refused[1] + 1.9]
        tally.must(not early, f"{len(early)} calls while everything on Telegram was held")
        notes.append("Telegram held as a whole after a second chat's 429")
        for text, seconds in (("2", 2), (None, 5), ("soon", 5)):
            made.slack.script(fake_slack.Answer("ratelimited", 429, text))
            began = time.monotonic()
            await made.tell(8)
            await made.rest(60)
            again = _again(made, began)
            tally.must(seconds - 0.1 <= again <= seconds + 2, f"Slack's {text} held {again:.1f} s")
            notes.append(f"Retry-After {text}: {again:.1f} s")
        checked = await check(made, made.told)
        checked.problems += tally.problems
        checked.notes += notes
        return checked


def _again(made: Stage, began: float) -> float:
    """Return the seconds between Slack's refusal and the next call for the same channel."""
    calls = [each for each in made.slack.calls("chat.postMessage") if each.at >= began]
    refused = next(each for each in calls if each.answered == "ratelimited")
    return (
        next(each.at for each in calls if each.at > refused.at and each.channel == refused.channel)
        - refused.at
    )


async def burst(chance: random.Random, size: Size) -> Tally:
    """Tell one headline to very many chats at Telegram's own limits, and answer commands meanwhile."""
    patience = Patience(lease=10, send=5, telegram=REAL, slack=REAL_SLACK)
    async with stage(chance, patience, limits=True) as made:
        people = [telegram_chat(each) for each in range(size.alerts)]
        asking = 999_999
        await made.listen(*people, desks=[0])
        await made.sender()
        await made.part("telegram", "-m", "bot", "telegram")
        await until(lambda: bool(made.telegram.calls("getUpdates")))
        began = time.monotonic()
        await made.tell(1)
        answers: list[float] = []
        while not await made.at_rest():
            asked = time.monotonic()
            made.telegram.say(asking, asking, "/start")
            await _answered(made, asking, len(answers) + 1)
            answers.append(time.monotonic() - asked)
            await asyncio.sleep(2)
        told = [each for chat, each in made.telegram.messages.items() if chat != asking]
        accepted = [each.at for said in told for each in said]
        seconds = max(accepted) - began
        tally = await check(made, made.told, besides={asking})
        permitted = (len(accepted) - 5) / 30
        tally.must(max(answers) < 1, f"a command was answered after {max(answers):.2f} s")
        tally.must(seconds < permitted * 1.1 + 1, f"{seconds:.1f} s, permitted {permitted:.1f}")
        tally.notes.append(
            f"{len(accepted)} chats in {seconds:.1f} s of {permitted:.1f} permitted; "
            f"{len(answers)} commands answered within {max(answers) * 1000:.0f} ms"
        )
        return tally


async def _answered(made: Stage, chat: int, times: int) -> None:
    await until(lambda: len(made.telegram.messages[chat]) >= times, 20)
