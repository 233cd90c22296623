"""Commands that run: everything in one process, or each part as the Procfile starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.chats.chat_id import parse_chat_id
from bot.cli.options import CONFIG, Config, Home, show
from bot.config import read_settings
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.app.parts import Parts
    from bot.config import Settings

_SPEED = 14_400.0


def run(
    replay: Annotated[
        str | None, typer.Option(help="Replay recorded days: a sample such as march-2022, or a folder.")
    ] = None,
    speed: Annotated[float, typer.Option(help="How much faster than the market a replay goes.")] = _SPEED,
    to: Annotated[
        list[str] | None, typer.Option(help="A chat that hears the whole replay, as telegram:BOT:CHAT.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="The replay to go on with, or to begin under this name.")
    ] = None,
    data_dir: Home = None,
    port: Annotated[int | None, typer.Option(help="The page's port, instead of the one that is set.")] = None,
    config: Config = CONFIG,
) -> None:
    """Run everything in one process: the worker, the senders, the chats and the page."""
    from bot.app import processes, start
    from bot.store.keys import LIVE

    def read() -> Settings:
        settings = read_settings(config)
        return settings if port is None else settings.on_port(port)

    home = start.Home.usual() if data_dir is None else start.Home(data_dir)
    if replay is None:
        if to or resume:
            raise UsageError("--to and --resume belong to a replay: name it by --replay.")
        show("Marketbell watches the market; Ctrl-C ends it.")
        start.run_at_home(read, LIVE, home.of(LIVE), partial(processes.everything, said=show))
        return
    from bot.app.replay import replay_of

    played = replay_of(read(), replay, speed)
    namespace = start.new_replay() if resume is None else start.named_replay(resume)
    chats = [parse_chat_id(each) for each in to or ()]
    show(f"Marketbell replays {played.span} from {replay}, reconstructed from daily bars; Ctrl-C ends it.")
    start.run_at_home(
        read,
        namespace,
        home.of(namespace),
        partial(processes.replayed, replay=played, to=chats, said=show),
    )


def worker(config: Config = CONFIG) -> None:
    """Watch quotes and feeds, raise alerts and fan them out."""
    from bot.app import processes

    _alone(config, "worker", processes.worker)


def sender(config: Config = CONFIG) -> None:
    """Deliver alerts to the platforms whose tokens are set, and to the page."""
    from bot.app import processes

    _alone(config, "sender", processes.sender)


def telegram(config: Config = CONFIG) -> None:
    """Answer commands on Telegram."""
    from bot.app import processes

    _alone(config, "telegram", processes.telegram_commands)


def slack(config: Config = CONFIG) -> None:
    """Answer commands on Slack."""
    from bot.app import processes

    _alone(config, "slack", processes.slack_commands)


def web(config: Config = CONFIG) -> None:
    """Serve the page."""
    from bot.app import processes

    _alone(config, "web", partial(processes.page, said=show))


def manifest(config: Config = CONFIG) -> None:
    """Print the manifest that a Slack app is made from."""
    from bot.chat.commands import COMMANDS
    from bot.platforms.slack.manifest import manifest as manifest_of

    read_settings(config)
    show(manifest_of((command.name, command.usage) for command in COMMANDS))


def _alone(config: Path, part: str, run_part: Callable[[Parts], Awaitable[None]]) -> None:
    from bot.app import start

    start.run_alone(partial(read_settings, config), part, run_part)
