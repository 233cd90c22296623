"""How soon chats are told that a killed sender held, and what recovers besides, all at one time."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from functools import partial

from bench.delivery_mute import mute_slack, mute_telegram
from bench.delivery_restarts import restarted
from bench.delivery_stage import UNLIMITED, Stage, alert_of, private_chats, staged, until
from bench.figures import Figure

_SENDER_S = 65
_CHATS = 2_000
_PATIENCE_S = 180
_TRIES = 300
_STEP_S, _REACHES_S = 0.011, 0.02


async def recovered(*, quick: bool = False) -> list[Figure]:
    """Kill and silence what can be, with the patience that Marketbell comes with."""
    if quick:
        return await restarted(quick=True)
    found = await asyncio.gather(_sender(), restarted(), mute_telegram(), mute_slack())
    return [each for some in found for each in some]


async def _sender() -> list[Figure]:
    """Kill a sender while it holds chats; another one that runs beside it takes them over."""
    async with staged() as stage:
        await stage.api.order("limits", "off")
        chats, alert = private_chats(_CHATS), alert_of("HSTECH")
        await stage.subscribe(chats, alert.topics[0])
        await stage.start_senders([0, 0], UNLIMITED)
        first, second = stage.senders
        second.send_signal(signal.SIGSTOP)
        await stage.tell([alert])
        claimed, doubted = await _stopped_with_some_in_hand(stage, first, alert.fingerprint)
        first.kill()
        killed = time.monotonic()
        second.send_signal(signal.SIGCONT)
        await until(partial(_all_told, stage, doubted, killed), _PATIENCE_S)
        journal = await stage.api.journal(stage.folder)
    told = Counter(chat for _, chat in journal.accepted)
    if any(times > 1 + (chat in doubted) for chat, times in told.items()):
        raise AssertionError("A chat that was in no doubt was told more than once.")
    last = {chat: at - killed for at, chat in journal.accepted}
    name = "a sender killed, until the last chat that it held is told"
    return [
        Figure(name, max(last[each] for each in claimed), "s", _SENDER_S),
        Figure(
            ".. where it had begun with it, with the time of doubt", max(last[each] for each in doubted), "s"
        ),
    ]


async def _stopped_with_some_in_hand(
    stage: Stage, sender: asyncio.subprocess.Process, fingerprint: str
) -> tuple[set[int], set[int]]:
    """Stop a sender while it holds chats that it has not begun with; return those, and those it has."""
    keys, client = stage.link.keys, stage.link.client
    for _ in range(_TRIES):
        await asyncio.sleep(_STEP_S)
        sender.send_signal(signal.SIGSTOP)
        # What it has asked of Redis already is done all the same.
        await asyncio.sleep(_REACHES_S)
        held = list(await client.hgetall(keys.claims()))
        states = await client.hmget(keys.ledger(fingerprint), held) if held else []
        found: dict[bool, set[int]] = {False: set(), True: set()}
        for chat, state in zip(held, states, strict=True):
            found[state is not None].add(int(chat.rpartition(":")[2]))
        if found[False] and found[True]:
            return found[False], found[True]
        sender.send_signal(signal.SIGCONT)
    raise AssertionError("It never held a chat that it had not begun with.")


async def _all_told(stage: Stage, doubted: set[int], killed: float) -> bool:
    """Tell whether everybody was told, and since the kill those of whom nobody knew."""
    accepted = (await stage.api.journal(stage.folder)).accepted
    since = {chat for at, chat in accepted if at > killed}
    return len({chat for _, chat in accepted}) == _CHATS and doubted <= since
