"""Kills and races: whoever raises, sends or keeps the records ends or stands still at any moment."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.store.batches import text
from tests.acceptance.processes import until
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.faults.invariants import Tally, check
from tests.faults.processes import SETTING_UP, Part, Trap
from tests.faults.proxy import Fate
from tests.faults.stage import REAL, REAL_SLACK, Patience, Stage, stage

BETWEEN = (Fate.UNHEARD, Fate.UNANSWERED)
BRIEF = Patience(lease=1.8, send=1.5, doubt=0.2)
TOLD = frozenset({"sendMessage", "chat.postMessage"})


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a row is played: alerts, and kills, cuts, rounds or seconds, whichever the row is about."""

    kills: int
    alerts: int


Play = Callable[[random.Random, Size], Awaitable[Tally]]


async def killed_raisers(chance: random.Random, size: Size) -> Tally:
    """Kill whoever raises and fans out at any exchange with Redis, a standby beside it."""
    async with stage(chance) as made:
        await made.listen_all()
        await made.sender()
        standing = [await made.raiser(size.alerts, together=5, lease=0.3, started=False) for _ in range(2)]
        for part in standing:
            await _set_again(part, chance)
        while made.kills < size.kills:
            await until(lambda: not all(each.alive for each in standing), 30)
            for part in standing:
                if not part.alive:
                    await _set_again(part, chance)
        for part in standing:
            part.trap = None
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        tally.notes.append(_places(standing))
        return tally


async def _set_again(part: Part, chance: random.Random) -> None:
    """Start a raiser, to be killed at an exchange of its own; standing by, it asks for the lease alone."""
    begun = part.redis.seen["lindex"]

    def fits(name: str) -> bool:
        return name not in SETTING_UP and part.redis.seen["lindex"] > begun

    part.trap = Trap(chance.randint(1, 14), chance.choice(BETWEEN), fits)
    await part.start()


async def killed_after_acceptance(chance: random.Random, size: Size) -> Tally:
    """Kill a sender between the platform's acceptance and the record of it."""
    return await _killed_senders(chance, size, _between_acceptance_and_record)


async def killed_elsewhere(chance: random.Random, size: Size) -> Tally:
    """Kill a sender anywhere else: of no delivery can it be unknown whether it is shown."""
    tally = await _killed_senders(chance, size, _anywhere_else)
    tally.must(
        not tally.repeated_unknown, f"{tally.repeated_unknown} were repeated, and none could be in doubt"
    )
    return tally


def _between_acceptance_and_record(part: Part, chance: random.Random) -> Trap:
    if chance.random() < 0.5:
        return Trap(chance.randint(1, 20), Fate.UNANSWERED, TOLD.__contains__)
    return Trap(chance.randint(1, 20), Fate.UNHEARD, lambda name: name == "settle" and part.taken > 0)


def _anywhere_else(part: Part, chance: random.Random) -> Trap:
    fate, kind = chance.choice(BETWEEN), chance.random()

    def is_quiet() -> bool:
        return not part.on_the_way and not part.taken

    def is_last() -> bool:
        return not part.on_the_way and part.taken == 1

    if kind < 0.3:
        return Trap(chance.randint(1, 20), Fate.UNHEARD, TOLD.__contains__, is_quiet)
    if kind < 0.5:
        return Trap(chance.randint(1, 20), Fate.UNANSWERED, lambda name: name == "settle", is_last, is_quiet)
    others = SETTING_UP | TOLD | {"settle"}
    return Trap(chance.randint(1, 40), fate, lambda name: name not in others, is_quiet, is_quiet)


async def killed_at_real_paces(chance: random.Random, size: Size) -> Tally:
    """Kill a sender anywhere while both platforms enforce their own limits: none is ever exceeded."""

    def anywhere(part: Part, chance: random.Random) -> Trap:
        return Trap(chance.randint(1, 20), chance.choice(BETWEEN), lambda name: name not in SETTING_UP)

    paced = Patience(lease=1.8, send=1.5, doubt=0.2, telegram=REAL, slack=REAL_SLACK)
    return await _killed_senders(chance, size, anywhere, paced, limits=True)


async def _killed_senders(
    chance: random.Random,
    size: Size,
    trap: Callable[[Part, random.Random], Trap],
    patience: Patience = BRIEF,
    *,
    limits: bool = False,
) -> Tally:
    """Kill a sender again and again; what each kill leaves in doubt ends before the next.

    A second unknown ending of one delivery would be its last, as promised: that is tried elsewhere.
    """
    async with stage(chance, patience, limits=limits) as made:
        await made.listen_all()
        # A record that is refused because Redis does not know its script yet would pass for one that is made.
        await made.link.client.script_load(text("settle"))
        sender = await made.sender()
        longest = 0.0
        for left in range(size.kills, 0, -1):
            sender.trap = trap(sender, chance)
            await made.tell(max((size.alerts - made.told) // left, 1))
            await _sprung(made, sender)
            killed = time.monotonic()
            doubted = await made.doubt()
            sender.trap = None
            await sender.start()
            await made.ended(doubted)
            longest = max(longest, time.monotonic() - killed) if doubted else longest
        await made.rest()
        tally = await check(made, made.told)
        tally.must(
            not tally.ended["unknown"], f"{tally.ended['unknown']} ended as unknown after one kill each"
        )
        tally.notes.append(
            f"what was in doubt ended {longest:.1f} s after a kill at most; {_places([sender])}"
        )
        return tally


async def _sprung(made: Stage, part: Part) -> None:
    """Wait until a part is killed, raising more where it ran out of work first."""
    try:
        async with asyncio.timeout(60):
            while part.alive:
                await asyncio.sleep(0.05)
                if await made.at_rest():
                    await made.tell(2)
    except TimeoutError as error:
        error.add_note(f"{part.trap}, {part.on_the_way} on the way, {part.taken} taken")
        error.add_note(await made.standing())
        raise


def _places(parts: list[Part]) -> str:
    """Count where parts were killed."""
    found: dict[str, int] = {}
    for part in parts:
        for place in part.sprung:
            found[place] = found.get(place, 0) + 1
    return ", ".join(f"{name} {number}" for name, number in sorted(found.items()))


async def stopped_leader(chance: random.Random, size: Size) -> Tally:
    """Stop whoever leads for longer than its lease, and let it go on when another has taken over."""
    async with stage(chance) as made:
        await made.listen_all()
        await made.sender()
        lease = 0.6
        one, other = [
            await made.raiser(size.alerts, pause=0.01, lease=lease, started=False) for _ in range(2)
        ]
        await one.start()
        await until(lambda: "leads" in one.said)
        await other.start()
        await until(lambda: other.redis.seen["lease"] > 2)
        longest, fenced = 0.0, Counter[Part]()
        for _ in range(size.kills):
            epoch = int(await made.link.client.get(made.link.keys.epoch()))
            # Its lease must not run out before it is stopped at an exchange that it is in the midst of.
            await asyncio.sleep(chance.random() * 0.2)
            one.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            await _says(other, f"leads {epoch + 1}\n")
            longest = max(longest, time.monotonic() - stopped)
            await asyncio.sleep(0.1)
            one.signal(signal.SIGCONT)
            fenced[one] += 1
            await _says(one, "fenced", fenced[one])
            one, other = other, one
        await made.raised(size.alerts)
        await made.rest()
        tally = await check(made, size.alerts)
        tally.must(longest < lease + 1, f"a standby took {longest:.1f} s to take over a lease of {lease} s")
        tally.notes.append(f"{size.kills} stops, taken over within {longest:.2f} s of a lease of {lease} s")
        return tally


async def stopped_sender(chance: random.Random, size: Size) -> Tally:
    """Stop one of two senders for longer than its lease while it sends, and let it go on."""
    async with stage(chance, Patience(lease=1, send=0.8, doubt=0.2)) as made:
        await made.listen_all()
        one, other = [await made.sender() for _ in range(2)]
        for left in range(size.kills, 0, -1):
            for _ in range(3):
                made.telegram.script(fake_telegram.Late(0.3))
                made.slack.script(fake_slack.Late(0.3))
            await made.tell(max((size.alerts - made.told) // left, 1))
            await asyncio.sleep(chance.random() * 0.3)
            one.signal(signal.SIGSTOP)
            made.stood_still |= await made.doubt()
            await asyncio.sleep(1.5)
            one.signal(signal.SIGCONT)
            await made.rest()
            one, other = other, one
        tally = await check(made, made.told)
        tally.notes.append(f"{size.kills} stops of 1.5 s with leases of 1 s")
        return tally


async def _says(part: Part, words: str, times: int = 1) -> None:
    await until(lambda: part.said.count(words) >= times)


async def four_senders(chance: random.Random, size: Size) -> Tally:
    """Let four senders race for the same mailboxes."""
    async with stage(chance) as made:
        await made.listen_all(people=20, groups=6, channels=6)
        senders = [await made.sender() for _ in range(4)]
        began = time.monotonic()
        await made.raiser(size.alerts, together=10)
        await made.raised(size.alerts)
        await made.rest()
        seconds = time.monotonic() - began
        tally = await check(made, size.alerts)
        shares = [sum(proxy.seen[name] for proxy in each.platforms for name in TOLD) for each in senders]
        tally.must(all(shares), f"of four senders some sent nothing: {shares}")
        tally.notes.append(f"{tally.deliveries / seconds:.0f} deliveries a second, by sender {shares}")
        return tally


async def asked_to_stop(chance: random.Random, size: Size) -> Tally:
    """Ask a sender to end while messages are on their way."""
    async with stage(chance) as made:
        await made.listen_all()
        longest, wrong = 0.0, Tally()
        for left in range(size.kills, 0, -1):
            sender = await made.sender()
            for _ in range(6):
                made.telegram.script(fake_telegram.Late(0.5))
                made.slack.script(fake_slack.Late(0.5))
            await made.tell(max((size.alerts - made.told) // left, 1))
            await made.more()
            await asyncio.sleep(chance.random() * 0.3)
            assert sender.process is not None
            asked = time.monotonic()
            status = await sender.process.stop()
            longest = max(longest, time.monotonic() - asked)
            wrong.must(status == 0, f"it ended with {status}: {sender.said}")
            left_in_doubt = await made.doubt()
            wrong.must(not left_in_doubt, f"a sender that was asked to end left in doubt: {left_in_doubt}")
        await made.sender()
        await made.rest()
        tally = await check(made, made.told)
        tally.problems += wrong.problems
        tally.must(longest < 10, f"it took {longest:.1f} s to end")
        tally.notes.append(f"{size.kills} asked to end, at once or within {longest:.2f} s")
        return tally
