"""Numbers, dates and times as messages write them, each formatted once from the raw number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.market.instrument import Market

LONGEST_HEADING = 90

MARKET_NAMES: Mapping[Market, str] = MappingProxyType(
    {"HK": "Hong Kong", "CN": "Mainland", "US": "US", "other": "Other markets"}
)
_SIGN_OF_CURRENCY: Mapping[str, str] = MappingProxyType({"HKD": "HK$", "USD": "US$", "CNY": "CNY "})
_ORDINALS: Mapping[int, str] = MappingProxyType(
    dict(
        enumerate(
            ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=2
        )
    )
)
_LEAST_WITH_CENTS = 1


def price(value: float) -> str:
    """Write a price or a level."""
    return f"{value:,.2f}" if value >= _LEAST_WITH_CENTS else f"{value:,.3f}"


def money(value: float, currency: str, *, is_index: bool) -> str:
    """Write a price with its currency, where it is known; an index has points, which are written bare."""
    sign = "" if is_index or not currency else _SIGN_OF_CURRENCY.get(currency, f"{currency} ")
    return f"{sign}{price(value)}"


def difference(now: float, before: float) -> str:
    """Write by how much a price has moved, with its sign."""
    moved = now - before
    sign = "" if moved == 0 else "+" if moved > 0 else "−"
    decimals = 2 if now >= _LEAST_WITH_CENTS else 3
    return f"{sign}{abs(moved):,.{decimals}f}"


def percent(value: float) -> str:
    """Write a change in per cent with its sign; a change that rounds to nothing has none."""
    written = f"{value:+.2f}%"
    return "0.00%" if written in {"+0.00%", "-0.00%"} else written.replace("-", "−")


def day(when: date) -> str:
    """Write a date as 23 Mar 2022."""
    return f"{when.day} {when:%b %Y}"


def near_day(when: date, now: date) -> str:
    """Write a date as 15 Mar, with the year where it is another than that of `now`."""
    return f"{when.day} {when:%b}" if when.year == now.year else day(when)


def clock(moment: datetime, zone: ZoneInfo, name: str | None = None) -> str:
    """Write a time of day with its zone: 09:30 HKT."""
    local = moment.astimezone(zone)
    short = name or f"{local:%Z}"
    return f"{local:%H:%M} {short if short[0] not in '+-' else f'UTC{short}'}"


def listed(numbers: tuple[float, ...]) -> str:
    """Write steps as “4, 6 and 10%”."""
    written = [f"{each:g}" for each in numbers]
    return f"{', '.join(written[:-1])} and {written[-1]}%" if written[1:] else f"{written[0]}%"


def in_a_row(count: int, noun: str) -> str:
    """Write the place of a day in its streak: second gain in a row."""
    return f"{_ORDINALS.get(count) or f'{count}th'} {noun} in a row"


def sentence(text: str) -> str:
    """Begin a text with a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def one_line(text: str) -> str:
    """Bring a text that others wrote onto one line."""
    return " ".join(text.split())


def cut(text: str, room: int) -> str:
    """Shorten a text to `room` characters, at a word where there is one."""
    if len(text) <= room:
        return text
    kept = text[: room - 1]
    at_word = kept.rpartition(" ")[0]
    return f"{at_word if len(at_word) > room // 2 else kept}…"


def fitting(candidates: Iterable[str], room: int) -> str:
    """Return the first of `candidates` that fits; the last is cut if none does."""
    last = ""
    for last in candidates:
        if len(last) <= room:
            return last
    return cut(last, room)


def joined(names: Sequence[str]) -> str:
    """Write names as “Hong Kong, Shanghai and New York”."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def and_so_on(names: Sequence[str], most: int) -> str:
    """Write the first names, and how many more there are."""
    rest = len(names) - most
    return f"{', '.join(names[:most])} and {rest} more" if rest > 1 else joined(names)
