"""The recorded bars, most with a volume, as the scene that columns see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

from bot.market.bars import Bar, Calendar, Series
from bot.market.catalogue import Catalogue
from bot.market.instrument import Instrument, members_on
from bot.market.sessions import settlement
from bot.rules.columns import Now, Scene
from bot.rules.scene import Others
from bot.sources.catalogue import load_catalogue, load_members
from bot.sources.folder import read_folder
from tests.conftest import PRICES

CATALOGUE = Catalogue.of(load_catalogue())
MEMBERS = load_members()


@cache
def recorded() -> dict[str, Series]:
    """Return the recorded series; a bar's volume is made of its range, and some have none."""
    return {
        symbol: replace(series, bars=tuple(_traded(at, bar) for at, bar in enumerate(series.bars)))
        for symbol, series in read_folder(PRICES).series.items()
    }


@cache
def catalogue() -> Catalogue:
    """Return the instruments of which bars are recorded."""
    return Catalogue.of(each for each in CATALOGUE if each.symbol in recorded())


@cache
def calendar() -> Calendar:
    """Return the sessions on which any of them traded."""
    return read_folder(PRICES).calendar(lambda symbol: CATALOGUE[symbol].market)


def _traded(at: int, bar: Bar) -> Bar:
    volume = None if at % 97 == 96 else 0.0 if at % 89 == 88 else 1e6 + round(bar.top / bar.bottom * 1e6)
    return replace(bar, volume=volume)


def members(index: str, session: date) -> tuple[str, ...]:
    """Return the constituents of an index of which bars are recorded."""
    return tuple(each for each in members_on(MEMBERS, index, session) if each in recorded())


def anything(symbol: str) -> tuple[Instrument, Series] | None:
    """Return whatever is recorded of an instrument."""
    return (CATALOGUE[symbol], recorded()[symbol]) if symbol in recorded() else None


def known_at(own: Instrument, session: date) -> Others:
    """Return what was known of others when `own` had its official close of a session."""

    def others(symbol: str) -> tuple[Instrument, Series] | None:
        found = anything(symbol)
        if found is None:
            return None
        other, series = found
        late = settlement(other.market, session) > settlement(own.market, session)
        return other, series.until(session - timedelta(days=1) if late else session)

    return others


def scene(
    symbol: str, series: Series | None = None, now: Now | None = None, others: Others = anything
) -> Scene:
    """Return the scene of an instrument, by default with all its recorded bars."""
    held = recorded()[symbol] if series is None else series
    return Scene(CATALOGUE[symbol], held, calendar(), others, members, now)
