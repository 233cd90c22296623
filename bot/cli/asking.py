"""Commands that ask: a quote, a drawdown, any chat command; from the running worker or from recorded bars."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bot.chat.answer import Answers
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.cli.facts import drawdown_facts, quote_facts
from bot.cli.options import CONFIG, AsOf, Config, Data, Home, Json, day_of, show
from bot.config import read_settings
from bot.errors import UsageError
from bot.messages.answers import also, drawdown_message, quote_message
from bot.messages.blocks import plain

_TERMINAL = ChatId("terminal", "", "")


def quote(
    symbol: Annotated[str | None, typer.Argument(help="A symbol or a name, as 1810.HK or 小米.")] = None,
    data: Data = None,
    as_of: AsOf = None,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Show the price of an instrument and its day change."""
    wanted = _named(symbol, "marketbell quote 1810.HK")

    async def answer() -> None:
        async with _answers(config, data, day_of(as_of), data_dir) as answers:
            priced = await answers.market.quote(wanted)
        card, seen = priced.card, priced.quote
        if as_json:
            show(quote_facts(card, seen))
            return
        show(plain(also(priced.taken, quote_message(card, seen, priced.state, priced.beside))))

    asyncio.run(answer())


def drawdown(
    symbol: Annotated[str | None, typer.Argument(help="A symbol or a name.")] = None,
    window: Annotated[
        list[str] | None,
        typer.Argument(help="all, 52w, 90d, ytd, mtd or since 2021-02-17", show_default="all"),
    ] = None,
    data: Data = None,
    as_of: AsOf = None,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Show how far an instrument is below its peak and above the low since."""
    wanted = _named(symbol, "marketbell drawdown HSTECH")

    async def answer() -> None:
        async with _answers(config, data, day_of(as_of), data_dir) as answers:
            priced = await answers.market.drawdown(wanted, " ".join(window or ["all"]))
        card, seen = priced.card, priced.quote
        if as_json:
            show(drawdown_facts(card, seen))
            return
        show(plain(also(priced.taken, drawdown_message(card, seen, priced.state, priced.beside))))

    asyncio.run(answer())


def ask(
    line: Annotated[str, typer.Argument(help="A chat command, as in “/quote 1810.HK”.")],
    data: Data = None,
    as_of: AsOf = None,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Answer a chat command here, as a chat of the owner's would be answered."""

    async def answer() -> None:
        async with _answers(config, data, day_of(as_of), data_dir) as answers:
            text = plain(await answers.to(line, _TERMINAL, Role.OWNER))
        show({"text": text} if as_json else text)

    asyncio.run(answer())


def _named(symbol: str | None, example: str) -> str:
    if symbol is None or not symbol.strip():
        raise UsageError(f"No symbol is named: write one, as in {example}.")
    return symbol


@asynccontextmanager
async def _answers(
    config: Path, data: Path | None, session: date | None, data_dir: Path | None
) -> AsyncIterator[Answers]:
    if data is not None:
        from bot.app.recorded import RecordedMarket

        yield RecordedMarket.of(config, data).answers(session)
        return
    if session is not None:
        raise UsageError("--as-of looks into recorded bars: name their folder by --data as well.")
    from bot.app.start import Home, visiting
    from bot.store.keys import LIVE

    home = Home.usual() if data_dir is None else Home(data_dir)
    async with visiting(read_settings(config), home.of(LIVE)) as parts:
        yield parts.answers()
