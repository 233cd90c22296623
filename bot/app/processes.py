"""What a process does: each part alone, as the Procfile starts it, or all of them in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.app.connections import Connected, slack, telegram
from bot.app.parts import PAGE, Parts, wishes_of
from bot.app.timer import on_schedule
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.clock import MarketTime
from bot.market.schedule import Schedule
from bot.pipeline.deliver import Deliver
from bot.platforms.terminal.send import TERMINAL, TerminalSender
from bot.ports import Sender, TickSource
from bot.sources.failover import ClosableSource, Failover
from bot.store.page import StoredPage

if TYPE_CHECKING:
    # They load what only the worker needs.
    from bot.app.active import Active
    from bot.app.replay import Replay
    from bot.app.worker import Worker

Said = Callable[[str], None]

_ASKED_ABOUT = timedelta(days=21)
_LOOKED_BACK, _LOOKED_AHEAD = timedelta(days=800), timedelta(days=370)


async def worker(parts: Parts) -> None:
    """Watch the live market until cancelled."""
    wishes = wishes_of(parts.settings)
    await parts.tell(wishes)
    async with _live(parts, wishes) as made:
        await made.run(on_schedule)


async def sender(parts: Parts) -> None:
    """Deliver on every platform whose tokens are set, and to the page, until cancelled."""
    async with _connections(parts) as connected:
        senders = [_page_sender(parts), *(each.sender for each in connected)]
        await _deliver(parts, senders).run()


async def telegram_commands(parts: Parts) -> None:
    """Answer what is asked on Telegram until cancelled."""
    async with telegram(parts) as connected:
        await connected.listen()


async def slack_commands(parts: Parts) -> None:
    """Answer what is asked on Slack until cancelled."""
    async with slack(parts) as connected:
        await connected.listen()


async def page(parts: Parts, said: Said, note: str | None = None) -> None:
    """Serve the page until cancelled."""
    from bot.platforms.web.app import page as make_page
    from bot.platforms.web.serve import serve

    web = parts.settings.web
    app = make_page(
        StoredPage(parts.link),
        parts.market(),
        parts.desk((PAGE.route,)),
        session=PAGE.chat,
        title_note=note,
        hosts=web.names,
    )
    host = "127.0.0.1" if web.host in {"0.0.0.0", "::"} else web.host  # noqa: S104 - compared, not bound
    address = f"[{host}]" if ":" in host else host
    await serve(app, web.host, web.port, lambda port: said(f"The page: http://{address}:{port}/"))


async def everything(parts: Parts, said: Said) -> None:
    """Watch the live market, deliver, answer and serve the page until cancelled."""
    wishes = {PAGE: (EVERYTHING,), **wishes_of(parts.settings)}
    await parts.tell(wishes)
    async with _connections(parts) as connected, _live(parts, wishes) as made, asyncio.TaskGroup() as group:
        group.create_task(made.run(on_schedule))
        _serve(group, parts, connected, [_page_sender(parts)])
        group.create_task(page(parts, said))


async def replayed(parts: Parts, replay: Replay, to: Sequence[ChatId], said: Said) -> None:
    """Replay recorded days through everything, to the page, the terminal and the chats of `to`."""
    from bot.app.worker import Worker

    listeners = dict.fromkeys((PAGE, TERMINAL, *to), (EVERYTHING,))
    await parts.tell(listeners)
    made = Worker(parts, replay.present, replay.tape, replay.tape, ("the tape",), replay_of=replay.name)
    note = f"Replay of {replay.span}, reconstructed from daily bars"
    async with _connections(parts) as connected, asyncio.TaskGroup() as group:
        _serve(group, parts, connected, [_page_sender(parts), TerminalSender(said)])
        group.create_task(page(parts, said, note))
        group.create_task(made.run(_held_open(replay.drive(parts.link, said))))


def _held_open(drive: Callable[[Active], Awaitable[None]]) -> Callable[[Active], Awaitable[None]]:
    """Keep the worker at hand after its last look, for the commands that ask how it is doing."""

    async def run(active: Active) -> None:
        await drive(active)
        await asyncio.Event().wait()

    return run


def _serve(
    group: asyncio.TaskGroup, parts: Parts, connected: Sequence[Connected], senders: Sequence[Sender]
) -> None:
    group.create_task(_deliver(parts, [*senders, *(each.sender for each in connected)]).run())
    for each in connected:
        group.create_task(each.listen())


def _deliver(parts: Parts, senders: Sequence[Sender]) -> Deliver:
    return Deliver(parts.dispatch(), {each.route: each for each in senders})


def _page_sender(parts: Parts) -> Sender:
    from bot.platforms.web.send import WebSender

    return WebSender(StoredPage(parts.link))


@asynccontextmanager
async def _connections(parts: Parts) -> AsyncIterator[tuple[Connected, ...]]:
    async with AsyncExitStack() as stack:
        found: list[Connected] = []
        if parts.secrets.telegram_token is not None:
            found.append(await stack.enter_async_context(telegram(parts)))
        if parts.secrets.slack_bot_token is not None:
            found.append(await stack.enter_async_context(slack(parts)))
        yield tuple(found)


@asynccontextmanager
async def _live(parts: Parts, listeners: Mapping[ChatId, tuple[str, ...]]) -> AsyncIterator[Worker]:
    from bot.app.worker import Worker
    from bot.sources.calendars import load_schedule
    from bot.sources.feeds import Feeds
    from bot.sources.yahoo import Access, YahooSource

    today = datetime.now(UTC).date()
    watched = {each.exchange for each in parts.catalogue}
    schedule = await asyncio.to_thread(load_schedule, watched, today - _LOOKED_BACK, today + _LOOKED_AHEAD)
    # Of what nobody watches yet, whoever asks for it is told whether its exchange is open.
    others = {each.exchange for each in parts.named()} - watched
    beside = await asyncio.to_thread(load_schedule, others, today - _ASKED_ABOUT, today + _ASKED_ABOUT)
    schedule = Schedule({**beside.exchanges, **schedule.exchanges})
    access = Access(parts.settings.addresses.yahoo, parts.settings.schedule.requests, parts.folder / "yahoo")
    quotes = _backed(parts, schedule, YahooSource(access, schedule, lambda: datetime.now(UTC), parts.report))
    feeds = Feeds(lambda: datetime.now(UTC))
    try:
        addresses = tuple(each.url for each in parts.settings.feeds)
        present, ticks = MarketTime(parts.clock), _ticks(parts)
        yield Worker(parts, present, quotes, feeds, addresses, schedule, ticks, listeners=listeners)
    finally:
        await feeds.close()
        await quotes.close()


def _ticks(parts: Parts) -> TickSource | None:
    """Return Yahoo's stream, unless it is not wanted, or something stands in for Yahoo and not for it."""
    addresses = parts.settings.addresses
    if not parts.settings.schedule.stream or (addresses.yahoo is not None and addresses.stream is None):
        return None
    from bot.sources.yahoo_stream import YahooStream

    return YahooStream(addresses.stream, lambda: datetime.now(UTC), parts.report)


def _backed(parts: Parts, schedule: Schedule, first: ClosableSource) -> ClosableSource:
    """Return `first` with the second source of the settings behind it, where there is one."""
    if parts.settings.sources.second == "none":
        return first
    from bot.sources.eastmoney import EastmoneyAccess, EastmoneySource

    access = EastmoneyAccess(parts.settings.addresses.eastmoney)
    second = EastmoneySource(access, schedule, lambda: datetime.now(UTC), parts.report)
    return Failover(first, second, lambda: datetime.now(UTC), parts.report)
