"""Who runs a group, as Telegram knows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from telegram import Bot
from telegram.constants import ChatMemberStatus

from bot.clock import MachineTime, machine_time

_GOOD_FOR = 5 * 60 * 1000
_MOST = 1000


@dataclass(slots=True)
class Administrators:
    """Asks for one member at a time, and believes the answer for five minutes."""

    bot: Bot
    now: MachineTime = machine_time
    _known: dict[tuple[str, str], tuple[bool, int]] = field(default_factory=dict, init=False)

    async def include(self, chat: str, user: str) -> bool:
        """Tell whether `user` administers the group `chat`; raises what the bot raises."""
        at = self.now()
        runs, until = self._known.get((chat, user), (False, 0))
        if at < until:
            return runs
        member = await self.bot.get_chat_member(int(chat), int(user))
        runs = member.status in {ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR}
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[chat, user] = (runs, at + _GOOD_FOR)
        return runs
