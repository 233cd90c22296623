"""Commands from Telegram, by long polling.

The loop is our own: python-telegram-bot's can stop asking while it says that it runs. Here a poll that does
not come back is given up, and every failure is followed by the next poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import SystemRandom

from telegram import Bot, BotCommand, Update
from telegram.error import BadRequest, Conflict, TelegramError

from bot.chats.chat_id import ChatId
from bot.clock import MachineTime, machine_time
from bot.messages.blocks import Message
from bot.platforms.telegram.administrators import Administrators
from bot.platforms.telegram.incoming import Asked, read
from bot.platforms.telegram.request import TooFast
from bot.ports import Desk, Once

_POLL = 25
_POLL_OVERDUE = _POLL + 15
_CONFLICT_WAIT = 30.0
_LEAST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_AT_ONCE = 16
_ANSWER_WITHIN = 20
_KINDS = ("message", "channel_post")
_LONGEST_USE = 256
_NEWEST_ONLY = -1

_CONFLICT = "Another process polls Telegram with this token: one of the two has to stop."


def _nothing(_said: str, **_facts: object) -> None:
    """Keep what is reported to oneself."""


@dataclass(slots=True)
class TelegramListener:
    """One bot's ear: takes commands to the desk, and what it answers to `say`."""

    bot: Bot
    desk: Desk
    once: Once
    say: Callable[[ChatId, Message], Awaitable[None]]
    report: Callable[..., None] = _nothing
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = SystemRandom().random
    now: MachineTime = machine_time
    _administrators: Administrators = field(init=False)
    _room: asyncio.Semaphore = field(init=False)
    _next: int | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)
    _trouble: str = field(default="", init=False)
    _introduced: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._administrators = Administrators(self.bot, self.now)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as answering:
            while True:
                try:
                    async with asyncio.timeout(_POLL_OVERDUE):
                        updates = await self._poll()
                except Exception as failure:  # noqa: BLE001 - whatever it is, deaf is worse
                    await self.pause(self._after(failure))
                    continue
                self._recovered()
                for together in _by_chat(updates):
                    await self._room.acquire()
                    answering.create_task(self._answer(together))

    async def _poll(self) -> Iterable[Update]:
        if not self._introduced:
            await self._introduce()
        updates = await self.bot.get_updates(offset=self._next, timeout=_POLL, allowed_updates=_KINDS)
        if updates:
            self._next = updates[-1].update_id + 1
        elif self._next == _NEWEST_ONLY:
            self._next = None
        return updates

    async def _introduce(self) -> None:
        """Make Telegram hand its updates to polls, and show the commands."""
        await self.bot.delete_webhook()
        menu = [BotCommand(name, use[:_LONGEST_USE]) for name, use in self.desk.menu()]
        try:
            await self.bot.set_my_commands(menu)
        except BadRequest as failure:
            self.report("Telegram refuses the menu of commands", why=failure.message)
        self._introduced = True

    def _after(self, failure: Exception) -> float:
        """Report a failed poll, once while it stays the same; return how long to wait."""
        self._failures += 1
        wait = self._jitter()
        match failure:
            case Conflict():
                why, wait = _CONFLICT, _CONFLICT_WAIT
            case TooFast():
                why = failure.message
                wait = wait if failure.wait is None else failure.wait / 1000
            case TelegramError():
                why = failure.message
            case TimeoutError():
                why = f"no answer within {_POLL_OVERDUE} s"
            case _:
                # Something in the batch that the library cannot read. Asked again it would come again, so all
                # that waits is given up but the newest.
                why, self._next = f"unreadable updates: {type(failure).__name__}: {failure}", _NEWEST_ONLY
        if why != self._trouble:
            self.report("telegram polling fails", why=why)
            self._trouble = why
        return wait

    def _jitter(self) -> float:
        ceiling: float = min(_LONGEST_WAIT, 2.0 ** min(self._failures, 10))
        return _LEAST_WAIT + (ceiling - _LEAST_WAIT) * self.chance()

    def _recovered(self) -> None:
        if self._trouble:
            self.report("telegram polling works again")
        self._trouble, self._failures = "", 0

    async def _answer(self, updates: Iterable[Update]) -> None:
        """Answer what one chat asked, in its order; a failure costs one answer and nothing else."""
        try:
            for update in updates:
                try:
                    async with asyncio.timeout(_ANSWER_WITHIN):
                        await self._answer_one(update)
                except Exception as failure:  # noqa: BLE001 - see above
                    why = f"{type(failure).__name__}: {failure}".rstrip(": ")
                    self.report("a command from Telegram failed", why=why, update=update.update_id)
        finally:
            self._room.release()

    async def _answer_one(self, update: Update) -> None:
        account = str(self.bot.id)
        asked = read(update, account, self.bot.username)
        if asked is None or not await self.once.first(f"telegram:{account}:{update.update_id}"):
            return
        administers = asked.trusted or await self._runs_the_group(asked)
        role = await self.desk.role(asked.chat, f"telegram:{asked.user}", administers=administers)
        if asked.line.split()[0].casefold() == "/start":
            await self.desk.come_back(asked.chat)
        await self.say(asked.chat, await self.desk.answer(asked.line, asked.chat, role))

    async def _runs_the_group(self, asked: Asked) -> bool:
        try:
            return await self._administrators.include(asked.chat.chat, asked.user)
        except TelegramError as failure:
            # Better to refuse an administrator for once than to trust a stranger.
            self.report("Telegram does not say who administers a group", why=failure.message)
            return False


def _by_chat(updates: Iterable[Update]) -> Iterable[list[Update]]:
    """Keep together what must be answered in order: /add, then /list."""
    chats: dict[int | None, list[Update]] = {}
    for update in updates:
        chat = update.effective_chat
        chats.setdefault(chat.id if chat else None, []).append(update)
    return chats.values()
