"""Commands about dead letters: deliveries that nobody could make, to be sent after all or to be dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.alerts.alert import Alert, alert_to_json
from bot.cli.options import CONFIG, Config, Home, Json, show
from bot.config import read_settings
from bot.errors import UsageError
from bot.messages.blocks import plain
from bot.messages.compose import compose
from bot.store import alerts as stored
from bot.store import dead
from bot.store.dead import Letter

if TYPE_CHECKING:
    from bot.app.parts import Parts

app = typer.Typer(
    name="dead", no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__
)

ALL = "all"
_A_PAGE = 50
_AT_ONCE = 128

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids as list shows them, or all.")]


@app.command("list")
def list_letters(
    most: Annotated[int, typer.Option("--most", min=1, help="How many to show.")] = _A_PAGE,
    skip: Annotated[int, typer.Option("--skip", min=0, help="How many of the oldest to leave out.")] = 0,
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """List the dead letters, the oldest first: id, when it died, chat, why, and what it would have told."""

    async def run() -> tuple[Sequence[_Shown], int]:
        async with _visiting(config, data_dir) as (parts, held):
            return await _shown(parts, held, held[skip : skip + most]), len(held)

    page, total = asyncio.run(run())
    for each in page:
        show(each.facts() if as_json else each.line())
    if as_json:
        return
    if not total:
        show("There are no dead letters.")
    elif skip + len(page) < total:
        show(f"{total - skip - len(page):,} more: --skip {skip + len(page)}")


@app.command("show")
def show_letter(
    letter: Annotated[str, typer.Argument(metavar="ID", help="An id as list shows it.")],
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Show one dead letter, with what it would have told."""

    async def run() -> _Shown:
        async with _visiting(config, data_dir) as (parts, held):
            (found,) = await _shown(parts, held, [dead.find(held, letter)])
            return found

    found = asyncio.run(run())
    show(found.facts() if as_json else found.text())


@app.command()
def retry(ids: Ids, config: Config = CONFIG, data_dir: Home = None, as_json: Json = False) -> None:
    """Send dead letters after all: each waits behind what waits for its chat already."""

    async def run() -> tuple[list[_Done], list[str]]:
        async with _visiting(config, data_dir) as (parts, held):
            chosen, short = _chosen(held, ids), dead.short_names(held)
            left = [short[each.field] for each in chosen if each.chat is None]
            if left and ids != [ALL]:
                raise UsageError(f"{left[0]} is no delivery: it can only be dropped.")
            sendable = [each for each in chosen if each.chat is not None]
            return await _each(sendable, short, lambda one: dead.revive(parts.link, one, parts.clock())), left

    sent, left = asyncio.run(run())
    _say("retried", "is sent once more to {chat}", sent, as_json=as_json)
    if left:
        typer.echo(f"Left out, for they are no deliveries: {', '.join(left)}.", err=True)


@app.command()
def drop(ids: Ids, config: Config = CONFIG, data_dir: Home = None, as_json: Json = False) -> None:
    """Forget dead letters; they are counted as dropped by hand."""

    async def run() -> list[_Done]:
        async with _visiting(config, data_dir) as (parts, held):
            chosen, short = _chosen(held, ids), dead.short_names(held)
            return await _each(chosen, short, lambda one: dead.drop(parts.link, one))

    _say("dropped", "is dropped: {chat}", asyncio.run(run()), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Done:
    """A letter that was sent or dropped, and its short id."""

    id: str
    letter: Letter


@dataclass(frozen=True, slots=True)
class _Shown:
    """A letter as it is shown: its short id, and its alert where that is still kept."""

    letter: Letter
    id: str
    alert: Alert | None
    zone: ZoneInfo

    def facts(self) -> dict[str, Any]:
        """Return it as facts."""
        return {
            "id": self.id,
            "chat": None if self.letter.chat is None else str(self.letter.chat),
            "fingerprint": self.letter.fingerprint,
            "ended": self.letter.ended,
            "why": self.letter.why,
            "at": self._when(UTC).isoformat(),
            "alert": None if self.alert is None else json.loads(alert_to_json(self.alert)),
        }

    def line(self) -> str:
        """Say it in one line."""
        told = "" if self.alert is None else f"  “{self._text().splitlines()[0]}”"
        return f"{self.id}  {self._at()}  {self._where()}  {self.letter.ended}: {self.letter.why}{told}"

    def text(self) -> str:
        """Say all of it."""
        lines = [
            f"{self.id}: {self.letter.ended} since {self._at()}",
            f"For {self._where()}",
            f"Why: {self.letter.why}",
        ]
        if self.alert is None:
            return "\n".join((*lines, "What it would have told is not kept any more"))
        return "\n".join((*lines, f"Alert {self.alert.fingerprint}", "", self._text()))

    def _text(self) -> str:
        return "" if self.alert is None else plain(compose((self.alert,), self.zone))

    def _where(self) -> str:
        return self.letter.field if self.letter.chat is None else str(self.letter.chat)

    def _at(self) -> str:
        return f"{self._when(self.zone):%d %b %Y %H:%M %Z}"

    def _when(self, zone: tzinfo) -> datetime:
        return datetime.fromtimestamp(self.letter.at / 1000, zone)


async def _shown(parts: Parts, held: Sequence[Letter], chosen: Sequence[Letter]) -> tuple[_Shown, ...]:
    alerts = await stored.alerts_of(parts.link, [each.fingerprint for each in chosen if each.fingerprint])
    short, zone = dead.short_names(held), ZoneInfo(parts.settings.zone)
    return tuple(_Shown(each, short[each.field], alerts.get(each.fingerprint), zone) for each in chosen)


def _chosen(held: Sequence[Letter], ids: Sequence[str]) -> list[Letter]:
    """Return the letters that are named, each once; all of them are looked for before any is touched."""
    if list(ids) == [ALL]:
        return list(held)
    if ALL in ids:
        raise UsageError("“all” stands alone: write it, or ids of dead letters.")
    return list({each.field: each for each in (dead.find(held, one) for one in ids)}.values())


async def _each(
    letters: Sequence[Letter], short: Mapping[str, str], ask: Callable[[Letter], Awaitable[bool]]
) -> list[_Done]:
    """Ask for each letter, in their order, and return those that were still there."""
    done: list[_Done] = []
    for at in range(0, len(letters), _AT_ONCE):
        some = letters[at : at + _AT_ONCE]
        answers = await asyncio.gather(*map(ask, some))
        done += [_Done(short[each.field], each) for each, was in zip(some, answers, strict=True) if was]
    return done


def _say(word: str, sentence: str, done: Sequence[_Done], *, as_json: bool) -> None:
    for each in done:
        chat = None if each.letter.chat is None else str(each.letter.chat)
        if as_json:
            show({"id": each.id, "chat": chat, "fingerprint": each.letter.fingerprint, "done": word})
        else:
            show(f"{each.id} {sentence.format(chat=chat or each.letter.field)}")
    if not done and not as_json:
        show("There are no dead letters.")


@asynccontextmanager
async def _visiting(config: Path, data_dir: Path | None) -> AsyncIterator[tuple[Parts, tuple[Letter, ...]]]:
    from bot.app.start import Home, visiting
    from bot.store.keys import LIVE

    home = Home.usual() if data_dir is None else Home(data_dir)
    async with visiting(read_settings(config), home.of(LIVE), instead="") as parts:
        yield parts, await dead.letters(parts.link)
