"""How soon a command is answered that was given while the platform kept its line open and said nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.delivery_stage import environment, until, written
from bench.figures import Figure
from bot.store.server import embedded
from tests.acceptance.processes import running
from tests.fakes import slack as fake_slack
from tests.fakes import telegram as fake_telegram
from tests.fakes.slack import CHANNEL, FakeSlack
from tests.fakes.telegram import FakeTelegram, Late

_MUTE_S = 120
_ALICE = 4242
_FOR_EVER = 10_000
_PATIENCE_S = 300


async def mute_telegram() -> list[Figure]:
    """Let one poll of Telegram never be answered, though an update waits."""
    with TemporaryDirectory() as name, embedded(Path(name) / "redis"):
        folder = Path(name)
        async with FakeTelegram() as telegram:
            bot = fake_telegram.TOKEN.partition(":")[0]
            config = written(
                folder,
                {"telegram": telegram.url},
                access=f'{{owners: [], chats: ["telegram:{bot}:{_ALICE}"]}}',
            )
            environ = environment(folder, TELEGRAM_TOKEN=fake_telegram.TOKEN)
            async with running("telegram", "--config", config, environ=environ):

                async def answered(times: int) -> bool:
                    return len(telegram.messages[_ALICE]) >= times

                await until(lambda: _polls(telegram), _PATIENCE_S)
                telegram.say(_ALICE, _ALICE, "/help")
                telegram.script(Late(_FOR_EVER), method="getUpdates")
                await until(lambda: answered(1), _PATIENCE_S)
                start = time.monotonic()
                telegram.say(_ALICE, _ALICE, "/help")
                await until(lambda: answered(2), _PATIENCE_S)
                took = time.monotonic() - start
    return [Figure("a mute poll of Telegram, until what was said meanwhile is answered", took, "s", _MUTE_S)]


async def _polls(telegram: FakeTelegram) -> bool:
    return bool(telegram.calls("getUpdates"))


async def mute_slack() -> list[Figure]:
    """Let Slack's socket stay open and bring nothing."""
    with TemporaryDirectory() as name, embedded(Path(name) / "redis"):
        folder = Path(name)
        async with FakeSlack() as slack:
            config = written(folder, {"slack": slack.url})
            tokens = {"SLACK_BOT_TOKEN": fake_slack.BOT_TOKEN, "SLACK_APP_TOKEN": fake_slack.APP_TOKEN}
            async with running("slack", "--config", config, environ=environment(folder, **tokens)):

                async def heard() -> bool:
                    with suppress(TimeoutError, ConnectionError):
                        await slack.slash("/help", channel=CHANNEL)
                        return True
                    return False

                await until(heard, _PATIENCE_S)
                slack.mute()
                start = time.monotonic()
                await until(heard, _PATIENCE_S)
                took = time.monotonic() - start
    return [Figure("a mute socket of Slack, until a command is heard", took, "s", _MUTE_S)]
