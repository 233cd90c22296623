"""Yahoo's stream of prices: a new connection whenever one ends or falls silent.

The stream is an accelerator. What it does not say, says late or says wrongly, the next look says anyway.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.market.instrument import Instrument
from bot.market.ticks import Tick
from bot.sources.yahoo_belief import Unbelievable, a_price, moment, number, same_currency
from bot.sources.yahoo_breaker import LIMITED, Breaker, Pace
from bot.sources.yahoo_failure import Limited, Silent, YahooFailure
from bot.sources.yahoo_parse import SOURCE

if TYPE_CHECKING:
    from bot.sources.yahoo_socket import YahooSocket

# A market that is shut is silent as well, so a silent connection is renewed ever less often. Nothing is lost
# by that: looks tell what the first minutes of a session bring.
_AGAIN = Pace(timedelta(0), timedelta(seconds=1), timedelta(minutes=2))

# Below it a cent is wider than the steps between two prices of single precision, above it is not.
_TOO_LARGE = 2.0**17
_SINGLE = struct.Struct("<f")
_MOST_DIGITS = 9
# Prices after the close and overnight. Those before the opening are marked by a zero, which a message leaves
# out as it does what it does not know: it is the session's hours that keep these away.
_IRREGULAR = frozenset({2, 3})


class YahooStream:
    """Hands over what Yahoo's stream says of many instruments, as long as it can be believed.

    `url` is where a test stands in for Yahoo, None is Yahoo itself. A connection over which nothing comes for
    `silence` seconds is given up, its opening included; `again` is how long to wait before the next one.
    `report` is told once for each reason why something is dropped, and when the stream is lost and back.
    """

    def __init__(
        self,
        url: str | None,
        now: Callable[[], datetime],
        report: Callable[..., None],
        *,
        silence: float = 60.0,
        again: Pace = _AGAIN,
        chance: random.Random | None = None,
    ) -> None:
        self._url = url
        self._now = now
        self._report = report
        self._silence = silence
        self._again = again
        self._chance = chance or random.SystemRandom()
        self._dropped: Counter[str] = Counter()
        self._lost = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return SOURCE

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many messages were not believed, by reason."""
        return self._dropped

    async def follow(self, instruments: Sequence[Instrument], hand: Callable[[Tick], None]) -> None:
        """Hand over ticks until cancelled; connects again whenever the stream ends or falls silent."""
        asked = {each.symbol_at("yahoo"): each for each in instruments}
        # Loading yfinance would hold the loop for two seconds.
        connection = await asyncio.to_thread(_load)
        breaker = Breaker(self._chance)
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            told, failure = await self._follow(connection(self._url), asked, hand)
            # Whoever is let in, told one price and cut off again must not insist.
            if told and loop.time() - begun >= self._silence:
                breaker.worked()
            if str(failure) != self._lost:
                self._lost = str(failure)
                self._report("stream lost", source=SOURCE, why=self._lost)
            pace = LIMITED if isinstance(failure, Limited) else self._again
            wait = breaker.failed(self._now(), pace, self._lost)
            await asyncio.sleep(wait.total_seconds())

    async def _follow(
        self, socket: YahooSocket, asked: Mapping[str, Instrument], hand: Callable[[Tick], None]
    ) -> tuple[bool, YahooFailure]:
        """Follow one connection to its end; return whether it told any price, and why it ended."""
        told = False
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._silence) as watchdog:
                await socket.open(asked)
                while True:
                    message = await socket.received()
                    tick = self._read(message, asked)
                    if tick is not None:
                        # Only this is a sign of life: what cannot be read is no better than silence.
                        told = True
                        watchdog.reschedule(loop.time() + self._silence)
                        self._is_back()
                        hand(tick)
                    # A flood would be read to its end before anything else had its turn.
                    await asyncio.sleep(0)
        except TimeoutError:
            return told, Silent(f"said nothing for {self._silence:g} seconds")
        except YahooFailure as failure:
            return told, failure
        finally:
            await socket.close()

    def _read(self, message: dict[str, Any] | None, asked: Mapping[str, Instrument]) -> Tick | None:
        try:
            return read_tick(message, asked, self._now())
        except Unbelievable as reason:
            self._dropped[reason.why] += 1
            if self._dropped[reason.why] == 1:
                symbol = (message or {}).get("id", "")
                self._report("tick dropped", source=SOURCE, symbol=symbol, why=reason.why, said=reason.said)
            return None

    def _is_back(self) -> None:
        if self._lost:
            self._lost = ""
            self._report("stream is back", source=SOURCE)


def read_tick(message: Mapping[str, Any] | None, asked: Mapping[str, Instrument], received: datetime) -> Tick:
    """Read a message as yfinance hands it over; raises `Unbelievable` for what cannot be true.

    `asked` has the instruments by Yahoo's symbols. A field that is zero is left out of a message.
    """
    if not message:
        raise Unbelievable("not a message that we know")
    instrument = asked.get(message.get("id", ""))
    if instrument is None:
        raise Unbelievable("not asked for", message.get("id"))
    currency = message.get("currency")
    same_currency(currency, instrument)
    if message.get("market_hours") in _IRREGULAR:
        raise Unbelievable("outside regular trading", message["market_hours"])
    price = as_printed(message.get("price"))
    if price is None:
        raise Unbelievable("not a price", message.get("price"))
    if price >= _TOO_LARGE:
        raise Unbelievable("too large for the stream to tell its cents", price)
    return Tick(
        instrument.symbol,
        price,
        moment(_seconds(message.get("time")), received),
        received,
        currency,
        high=as_printed(message.get("day_high")),
        low=as_printed(message.get("day_low")),
        volume=number(_whole(message.get("day_volume"))),
    )


def as_printed(said: object) -> float | None:
    """Return the price that was meant by a number of single precision; None for what is no price.

    14.78 is sent as 14.779999732971191, which is below a level of 14.78. What was meant is the shortest
    decimal that single precision rounds to the number sent; that is sure for six digits, and
    for cents below 131,072.
    """
    price = a_price(said)
    if price is None:
        return None
    try:
        sent = _SINGLE.pack(price)
    except OverflowError:
        return None
    (single,) = _SINGLE.unpack(sent)
    shorter = (float(f"{single:.{digits}g}") for digits in range(1, _MOST_DIGITS + 1))
    for each in shorter:
        with suppress(OverflowError):
            if _SINGLE.pack(each) == sent:
                return a_price(each)
    return None


def _seconds(milliseconds: object) -> float | None:
    whole = _whole(milliseconds)
    return None if whole is None else whole / 1000


def _whole(said: object) -> int | None:
    """Return a whole number, which comes as a text where it may be large."""
    with suppress(OverflowError, TypeError, ValueError):
        return int(said)  # type: ignore[call-overload, no-any-return]
    return None


def _load() -> Callable[[str | None], YahooSocket]:
    from bot.sources.yahoo_socket import YahooSocket  # noqa: PLC0415 - see `follow`

    return YahooSocket
