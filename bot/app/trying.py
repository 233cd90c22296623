"""What lines of chats are tried on: the history that the worker holds."""

from __future__ import annotations

from datetime import date

from bot.app.beside import Beside
from bot.app.parts import Parts
from bot.chats.subscription import EVERYTHING, instrument_topic, rule_topic
from bot.clock import MarketTime
from bot.pipeline.backtesting import Backtesting
from bot.pipeline.judging import Ground
from bot.pipeline.watch import Watch
from bot.rules.backtest import Past, Told
from bot.rules.crossing import Crossing
from bot.rules.met import Met


def backtesting(parts: Parts, present: MarketTime, watch: Watch, beside: Beside) -> Backtesting:
    """Return what answers the chats that try lines, on what `watch` holds."""
    catalogue = parts.catalogue

    def ground() -> Ground:
        # As it is now: a thread computes on it while looks go on.
        series = {symbol: each for symbol, each in watch.histories.items() if symbol in catalogue}
        held = Past(catalogue, series, watch.held_calendar(), beside.members, beside.twins)
        return Ground(held, present.now(), dict(watch.quotes), watch.schedule)

    return Backtesting(parts.link, ground, parts.clock, parts.report)


def last_of(told: Told) -> dict[str, date]:
    """Return the session in which each topic last told."""
    last: dict[str, date] = {}
    found: list[Crossing | Met] = [*(each.crossing for each in told.told), *told.met]
    for each in found:
        for topic in (EVERYTHING, instrument_topic(each.symbol), rule_topic(each.rule)):
            last[topic] = max(last.get(topic, each.session), each.session)
    return last
