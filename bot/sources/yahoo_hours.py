"""When an instrument trades: by the schedule, else by the zone that an answer names, else by a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.market.instrument import Instrument, Market
from bot.market.schedule import Schedule, SessionHours
from bot.market.sessions import HOURS, opening, settlement

# Nobody says of a bar how late it is; the latest that an exchange's data are is half an hour.
_BAR_SETTLES = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Floor:
    """Where an instrument trades; `zone` is the exchange's, as well as anybody knows it."""

    exchange: str
    market: Market
    schedule: Schedule
    zone: ZoneInfo

    def day_of(self, moment: datetime) -> date:
        """Return the date that `moment` falls on where the exchange is."""
        return moment.astimezone(self.zone).date()

    def session_of(self, moment: datetime) -> date:
        """Return the session that a price made at `moment` belongs to.

        A price from before a session's first one is still of the session before. Where the days of the
        exchange are not known every date is a session.
        """
        begun = self.schedule.session_begun(self.exchange, moment)
        return self.day_of(moment) if begun is None else begun.session

    def hours(self, session: date) -> SessionHours | None:
        """Return the hours of a session; None where none is held, and where nobody knows them."""
        held = self.schedule.session_on(self.exchange, session)
        if held is not None or self.schedule.knows(self.exchange, session) or self.market == "other":
            return held
        settled = settlement(self.market, session)
        closes = datetime.combine(session, HOURS[self.market].closes, HOURS[self.market].zone)
        return SessionHours(session, opening(self.market, session), (), closes, settled)

    def holds(self, session: date) -> bool:
        """Tell whether a session was held on a day, as far as that is known."""
        return self.schedule.is_session(self.exchange, session) is not False

    def bar_settles(self, session: date) -> datetime:
        """Return from when on a session's bar surely says its close: without hours, when its day is over."""
        hours = self.hours(session)
        if hours is not None:
            return hours.settled + _BAR_SETTLES
        return datetime.combine(session + timedelta(days=1), time(), self.zone)


def floor_of(instrument: Instrument, schedule: Schedule, said: object) -> Floor:
    """Return where an instrument trades; `said` is the zone that an answer names."""
    known = schedule.exchanges.get(instrument.exchange)
    zone = ZoneInfo(known.zone) if known else _zone(said) or HOURS[instrument.market].zone
    return Floor(instrument.exchange, instrument.market, schedule, zone)


def _zone(said: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(said) if isinstance(said, str) else None
    except (KeyError, OSError, ValueError):
        return None
