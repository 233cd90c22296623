"""Whatever people in a workspace ask the bot, answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.errors import Away, MarketbellError
from bot.messages.blocks import Message, message_of
from bot.platforms.slack.client import Connection, muted
from bot.platforms.slack.hear import Heard, said, slash_command
from bot.platforms.slack.pictures import show_picture
from bot.platforms.slack.render import render
from bot.platforms.slack.socket import open_socket
from bot.platforms.slack.watch import Beat, keep_open
from bot.ports import Desk, Once

_AT_ONCE = 8
_WAITING = 1000
# Slack takes no more answers to one command.
_ANSWERS = 5
_OK = 200

Say = Callable[[ChatId, Message], Awaitable[object]]
Report = Callable[..., None]


@dataclass(slots=True)
class SlackListener:
    """One workspace's commands.

    `say` shows a message in a chat and `report` writes a line of the log: what happened, and `why=`.
    """

    connection: Connection
    app_token: str = field(repr=False)
    desk: Desk
    once: Once
    say: Say
    report: Report
    beat: Beat = field(default_factory=Beat)

    async def run(self) -> None:
        """Listen until cancelled; `WrongServer` if Slack refuses the app's token at the start.

        1. A socket hands over what came in, and it is acknowledged at once: Slack waits three seconds.
        2. What is a command is put in a queue. A full queue is reported, and the command is lost.
        3. A few workers take commands out, leave out what they had before, ask the desk and answer.
        4. Beside them a watchdog opens another socket when nothing comes through the one there is.
        """
        heard: asyncio.Queue[Heard] = asyncio.Queue(_WAITING)
        app = self._app(heard)
        watch = keep_open(
            lambda: open_socket(app, self.app_token, patience=self.beat.patience),
            self.connection.client,
            self.report,
            self.beat,
        )
        workers = [asyncio.create_task(self._work(heard)) for _ in range(_AT_ONCE)]
        try:
            await watch
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _app(self, heard: asyncio.Queue[Heard]) -> AsyncApp:
        connection = self.connection
        commands = {name.casefold() for name, _ in self.desk.menu()}

        async def known() -> AuthorizeResult:
            # The library would ask Slack again, while the first command waits to be acknowledged.
            return AuthorizeResult(
                enterprise_id=None,
                team_id=connection.team,
                bot_user_id=connection.bot_user,
                bot_token=connection.client.token,
            )

        app = AsyncApp(
            name="marketbell",
            client=connection.client,
            authorize=known,
            logger=muted(),
            # Nothing comes by HTTP, and own messages are known by more than the library looks at.
            request_verification_enabled=False,
            ignoring_self_events_enabled=False,
        )

        def take(command: Heard) -> None:
            try:
                heard.put_nowait(command)
            except asyncio.QueueFull:
                self.report("slack command lost", chat=str(command.chat), why="too many are waiting")

        async def on_command(ack: AsyncAck, body: Mapping[str, Any]) -> None:
            await ack()
            take(slash_command(body, connection.team))

        async def on_event(body: Mapping[str, Any]) -> None:
            command = said(body, connection.team, connection.bot_user, commands)
            if command is not None:
                take(command)

        # Whatever the manifest lists is acknowledged, even what this version does not know.
        app.command(re.compile("."))(on_command)
        app.event(re.compile("."))(on_event)
        return app

    async def _work(self, heard: asyncio.Queue[Heard]) -> None:
        while True:
            command = await heard.get()
            try:
                await self._answer(command)
            except Exception as error:  # noqa: BLE001 - one command must not end the others
                self.report("slack command failed", chat=str(command.chat), why=_sentence(error))

    async def _answer(self, command: Heard) -> None:
        role = Role.STRANGER
        try:
            if not await self.once.first(command.name):
                return
            if command.line.split()[0].casefold() == "/start":
                await self.desk.come_back(command.chat)
            role = await self.desk.role(command.chat, command.user, administers=command.is_private)
            answer = await self.desk.answer(command.line, command.chat, role)
        except MarketbellError as error:
            answer = message_of(str(error))
        except Exception as error:  # noqa: BLE001 - whoever asked hears that something went wrong
            self.report("slack command failed", chat=str(command.chat), why=_sentence(error))
            answer = message_of("That went wrong here. The bot's log says why.")
        if command.reply_to:
            shown_to_all = role > Role.STRANGER
            await self._reply(command.reply_to, answer, shown_to_all=shown_to_all)
            if shown_to_all:
                await show_picture(self.connection.client, command.chat.chat, answer, self.report)
        else:
            await self.say(command.chat, answer)

    async def _reply(self, address: str, answer: Message, *, shown_to_all: bool) -> None:
        client = self.connection.client
        hook = AsyncWebhookClient(
            address, logger=muted(), retry_handlers=[], session=client.session, proxy=client.proxy
        )
        for post in render(answer)[:_ANSWERS]:
            taken = await hook.send_dict(
                {
                    "response_type": "in_channel" if shown_to_all else "ephemeral",
                    "replace_original": False,
                    "text": post.text,
                    "blocks": list(post.blocks),
                    "unfurl_links": False,
                    "unfurl_media": False,
                }
            )
            if taken.status_code != _OK:
                raise Away(f"Slack did not take an answer: HTTP {taken.status_code}.")


def _sentence(error: Exception) -> str:
    """Return an error without what others put into it, which may be an address that is a key."""
    return str(error) if isinstance(error, MarketbellError) else type(error).__name__
