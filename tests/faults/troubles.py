"""Troubles of the platforms: they fail, cut, refuse, move chats, and are not there."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

from bot.chats.chat_id import ChatId
from bot.chats.subscription import news_topic
from bot.store import chats, outbox
from tests.acceptance.processes import until
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.faults.invariants import Tally, check, shown
from tests.faults.proxy import Fate
from tests.faults.rows import Size
from tests.faults.stage import (
    BOT,
    QUICK,
    Patience,
    group_chat,
    slack_channel,
    stage,
    telegram_chat,
)
from tests.faults.stories import numbers_in, story


async def failing_servers(chance: random.Random, size: Size) -> Tally:
    """Let both platforms answer with faults, gateways' pages, broken JSON and nothing, in bursts."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=2, channels=4)
        sender = await made.sender()
        telegram = (
            fake_telegram.GATEWAY,
            fake_telegram.NO_JSON,
            fake_telegram.EMPTY,
            fake_telegram.Answer(500, "Internal Server Error"),
        )
        slack = (
            fake_slack.GATEWAY,
            fake_slack.MAINTENANCE,
            fake_slack.NO_JSON,
            fake_slack.Answer("internal_error"),
        )
        # Each meets one fault a round: two in doubt in a row would be the end of a delivery, as promised.
        for left in range(size.kills, 0, -1):
            for each in telegram:
                made.telegram.script(each)
            for other in slack:
                made.slack.script(other)
            await made.tell(max((size.alerts - made.told) // left, 1))
            await made.rest()
        tally = await check(made, made.told)
        tally.must(sender.alive, f"the sender ended: {sender.said}")
        codes = sorted({str(each.code) for each in made.telegram.journal})
        tally.notes.append(f"Telegram's answers: {', '.join(codes)}")
        return tally


async def cut_connections(chance: random.Random, size: Size) -> Tally:
    """Accept a message and cut the connection, or answer when nobody waits any more."""
    async with stage(chance) as made:
        await made.listen_all(people=4, groups=2, channels=4)
        await made.sender()
        for number in range(size.kills):
            late = number % 3 == 2
            made.telegram.script(fake_telegram.Late(3) if late else fake_telegram.DropAfter())
            made.slack.script(fake_slack.Late(3) if late else fake_slack.DropAfter())
            await made.tell(max(size.alerts // size.kills, 1))
            await made.rest()
        tally = await check(made, made.told)
        tally.must(tally.unknown >= size.kills, f"only {tally.unknown} outcomes were unknown")
        asked = len(made.slack.calls("conversations.history"))
        tally.must(asked, "Slack was never asked what it shows")
        tally.notes.append(f"{tally.unknown} outcomes were unknown; Slack was looked up {asked} times")
        return tally


async def nobody_there(chance: random.Random, size: Size) -> Tally:
    """Let neither platform be there for some seconds; what was raised meanwhile is told in order."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=2, channels=4)
        sender = await made.sender()
        await made.tell(8)
        await made.rest()
        for proxy in sender.platforms:
            await proxy.close()
        ends = time.monotonic() + size.kills
        while time.monotonic() < ends:
            await made.tell(max(size.alerts // (2 * size.kills), 1))
            await asyncio.sleep(0.5)
        for proxy in sender.platforms:
            await proxy.open()
        back = time.monotonic()
        await made.rest(60)
        tally = await check(made, made.told)
        tally.notes.append(f"away {size.kills} s, all told {time.monotonic() - back:.1f} s after")
        return tally


async def too_old(chance: random.Random, size: Size) -> Tally:
    """Let Telegram be away for longer than alerts may be old: they are told in one line, as missed."""
    async with stage(chance, replace(QUICK, oldest=3)) as made:
        await made.listen(telegram_chat(0), desks=range(8))
        sender = await made.sender()
        await until(lambda: sender.redis.seen["zrange"] > 0)
        await made.tell(2)
        await made.rest()
        await sender.platforms[0].close()
        await made.tell(size.alerts)
        await asyncio.sleep(4.5)
        await sender.platforms[0].open()
        await made.rest(60)
        await made.tell(2)
        await made.rest()
        texts = list(shown(made, telegram_chat(0)).values())
        tally = Tally(alerts=made.told, deliveries=made.told, kills=made.kills)
        missed = [each for each in texts if "issed" in each.splitlines()[0]]
        tally.must(len(missed) == 1, f"{len(missed)} messages say that something was missed: {texts}")
        tally.must(bool(missed) and str(size.alerts) in missed[0], f"it does not say how many: {missed}")
        fresh = [numbers_in(each) for each in texts if each not in missed]
        wanted = [0, 1, made.told - 2, made.told - 1]
        tally.must([n for each in fresh for n in each] == wanted, f"told as new: {fresh}")
        states = await made.states(
            (str(telegram_chat(0)), story(each, 0).fingerprint) for each in range(2, made.told - 2)
        )
        tally.must(all(each.endswith("missed") for each in states), f"the ledger says {set(states)}")
        tally.notes.append(missed[0].splitlines()[0] if missed else "")
        return tally


async def closed_chats(chance: random.Random, size: Size) -> Tally:
    """Block, kick and archive chats in the midst of a burst, and take Slack's token back for a while."""
    async with stage(chance) as made:
        await made.listen_all(people=6, groups=2, channels=4)
        sender = await made.sender()
        await made.tell(8)
        await made.rest()
        blocked, kicked, archived = telegram_chat(0), group_chat(0), slack_channel(0)
        made.telegram.refuse(int(blocked.chat), 403, "Forbidden: bot was blocked by the user")
        made.telegram.refuse(int(kicked.chat), 403, "Forbidden: bot was kicked from the supergroup chat")
        made.slack.channels[archived.chat] = "is_archived"
        await made.tell(size.alerts)
        await made.rest()
        made.slack.refusing = "token_revoked"
        await made.tell(8)
        await asyncio.sleep(1)
        waiting = await outbox.backlog(made.link, [slack_channel(0).route])
        made.slack.refusing = ""
        await made.rest(60)
        tally = await check(made, made.told, gone=[blocked, kicked, archived])
        tally.must(any(waiting.values()), "nothing waited for Slack while its token was revoked")
        tally.must(sender.alive, f"the sender ended: {sender.said}")
        for chat in (blocked, kicked, archived):
            gone = await made.link.client.hget(made.link.keys.gone(), str(chat))
            tally.must(gone, f"{chat} is not switched off")
        counted = await outbox.counts(made.link)
        tally.must(counted.get("dropped", 0) >= tally.ended["dropped"] > 0, f"they are counted as {counted}")
        tally.notes.append(f"three chats off, {tally.ended['dropped']} dropped and counted")
        return tally


async def unknown_refusals(chance: random.Random, size: Size) -> Tally:
    """Refuse one chat in words that nobody knows, then take its messages again."""
    async with stage(chance) as made:
        await made.listen_all(people=4, groups=0, channels=0)
        await made.sender()
        chat = telegram_chat(0)
        made.telegram.refuse(int(chat.chat), 403, "Forbidden: the stars are not right")
        await made.tell(1)
        await made.rest(60)
        tried = len([each for each in made.telegram.calls("sendMessage") if each.chat == int(chat.chat)])
        made.telegram.refusing.clear()
        await made.tell(size.alerts)
        await made.rest()
        tally = await check(made, made.told)
        dead = await made.link.client.hgetall(made.link.keys.dead())
        tally.must(tried == 3, f"it was tried {tried} times")
        tally.must(len(dead) == 1 and tally.ended["dead"] == 1, f"dead letters: {dead}")
        gone = await made.link.client.hget(made.link.keys.gone(), str(chat))
        tally.must(not gone, "the chat was switched off")
        tally.notes.append("tried three times, then a dead letter; the chat hears on")
        return tally


async def migrated_group(chance: random.Random, size: Size) -> Tally:
    """Make a group a supergroup in the midst of a burst."""
    async with stage(chance) as made:
        old, new = group_chat(0), ChatId("telegram", BOT, "-1009999")
        await made.listen_all(people=4, groups=0, channels=2)
        await made.listen(old, desks=range(8))
        await made.sender()
        await made.tell(size.alerts // 3)
        await until(lambda: len(made.telegram.messages[int(old.chat)]) > 1)
        made.telegram.migrate(int(old.chat), int(new.chat))
        await made.tell(size.alerts - made.told)
        await made.rest()
        tally = await check(made, made.told, moved={old: new})
        asked = [each.topic for each in await chats.subscriptions(made.link, new)]
        tally.must(set(asked) == {news_topic(f"desk{each}") for each in range(8)}, f"it asks for {asked}")
        tally.must(not await chats.subscriptions(made.link, old), "the old name still asks for something")
        told = len(made.telegram.messages[int(old.chat)]), len(made.telegram.messages[int(new.chat)])
        tally.must(all(told), f"the move was not in the midst of it: {told}")
        tally.notes.append(f"{told[0]} under the old name, {told[1]} under the new")
        return tally


async def unreadable_markup(chance: random.Random, size: Size) -> Tally:
    """Let Telegram refuse to read our markup: a plain copy is shown, once."""
    async with stage(chance) as made:
        await made.listen_all(people=4, groups=2, channels=0)
        await made.sender()
        words = "Bad Request: can't parse entities: Unsupported start tag"
        for left in range(size.kills, 0, -1):
            made.telegram.script(fake_telegram.Answer(400, words))
            await made.tell(max((size.alerts - made.told) // left, 6))
            await made.rest()
        tally = await check(made, made.told)
        plain = sum(not each.parse_mode for said in made.telegram.messages.values() for each in said)
        tally.must(plain == size.kills, f"{plain} plain copies of {size.kills}")
        return tally


async def broken_lines(chance: random.Random, size: Size) -> Tally:
    """Slow the lines to both platforms and to Redis down, and let connections hang half-open."""
    async with stage(chance, Patience(lease=4, send=1.5, doubt=0.3)) as made:
        await made.listen_all(people=6, groups=2, channels=4)
        sender = await made.sender()
        sender.redis.delay = 0.01
        for proxy in sender.platforms:
            proxy.delay, proxy.a_second = 0.05, 200_000
        await made.tell(size.alerts)
        for _ in range(size.kills):
            judge = sender.platforms[0].judge
            sender.platforms[0].judge = lambda _exchange: Fate.HANGS
            await made.tell(2)
            await asyncio.sleep(0.5)
            sender.platforms[0].judge = judge
            await made.rest()
        return await check(made, made.told)
