"""The parts of a condition in words: what each measures, what it was worth, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from bot.messages.words import day, percent, price
from bot.rules.met import Part

_PER_CENT, _TIMES, _SIGMAS = "%", "x", "σ"
_SIGNS = (" > ", " < ")
_IN_PER_CENT = (
    "day",
    "change",
    "cost",
    "off low",
    "drawdown",
    "gap",
    "range",
    "vs",
    "premium",
    "implied gap",
)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A comparison, taken apart: its measure, its side and its threshold, as the canonical text has them."""

    measure: str
    above: bool
    threshold: str

    @property
    def side(self) -> str:
        """Which side of the threshold holds, in words."""
        if self.measure.startswith("drawdown"):
            return "deeper than" if self.above else "less than"
        return "over" if self.above else "under"

    @property
    def unit(self) -> str:
        """What the measure is counted in; a threshold that is a measure itself has none of its own."""
        if self.measure.startswith("volume"):
            return _TIMES
        if self.measure.startswith("sigma"):
            return _SIGMAS
        return _PER_CENT if self.measure.startswith(_IN_PER_CENT) else ""


def headline(part: Part, *, touched: bool = False) -> str:
    """Say a part that holds in a few words, to stand behind an instrument's name.

    A level that was merely `touched` is not said to hold.
    """
    compared = _compared(part.text)
    if compared is None:
        return _plainly(part)
    limit = _threshold(compared)
    if compared.measure == "price":
        beyond = "above" if compared.above else "below"
        return f"touched {limit}" if touched else f"{beyond} {limit}"
    value = "" if part.value is None else f" {_value(compared, part.value, price)}"
    return f"{measure_name(compared.measure)}{value}, {compared.side} {limit}"


def opposite_side(part: Part) -> str:
    """Say where a price is that does not hold a level, such as “above 12”."""
    compared = _compared(part.text)
    if compared is None:
        return part.text
    return f"{'below' if compared.above else 'above'} {_threshold(compared)}"


def part_line(part: Part, written: Callable[[float], str]) -> str:
    """Say what a part measures, what it was worth and whether it holds; `written` writes a price."""
    compared = _compared(part.text)
    if compared is None:
        said = _plainly(part)
        if part.unknown:
            return f"{said}: not known, {part.unknown}"
        return said if part.holds else f"not so: {said}"
    name = measure_name(compared.measure)
    if part.value is None:
        why = part.unknown or "no value"
        return f"{name} is not known: {why}"
    side = compared.side if part.holds else f"not {compared.side}"
    of_price = compared.measure == "price"
    value = _value(compared, part.value, written if of_price else price)
    limit = _threshold(compared)
    if part.against is not None:
        limit = f"{limit} ({_value(compared, part.against, written if of_price else price)})"
    if compared.unit == _TIMES:
        return f"{name} {value} its {_sessions(compared.measure)}-session average, {side} {limit}"
    return f"{name} is {value}, {side} {limit}"


def measure_name(measure: str) -> str:
    """Return what a reader calls a measure, given its canonical text."""
    first, _, rest = measure.partition(" ")
    named = _NAMES.get(first)
    return measure if named is None else named(rest)


def _compared(text: str) -> _Compared | None:
    for sign in _SIGNS:
        measure, found, threshold = text.partition(sign)
        if found:
            return _Compared(measure, sign == _SIGNS[0], threshold)
    return None


def _value(compared: _Compared, value: float, written: Callable[[float], str]) -> str:
    """Write a value as its measure is counted."""
    first = compared.measure.partition(" ")[0]
    match compared.unit, first:
        case _, "range" | "rsi":
            said = f"{value:.1f}{compared.unit}"
        case "%", "drawdown":
            said = percent(-value)
        case "%", _:
            said = percent(value)
        case "x", _:
            said = f"{value:.2f}×"
        case "σ", _:
            said = f"{value:.2f}σ"
        case _, "streak":
            said = f"{value:+g}"
        case _, "ratio":
            said = f"{value:.4f}"
        case _:
            said = written(value)
    return said.replace("-", "−")


def _threshold(compared: _Compared) -> str:
    written = compared.threshold
    if written[:1].isalpha():
        return measure_name(written)
    return written.replace("x", "×").replace("-", "−")


def _plainly(part: Part) -> str:
    """Say what is no comparison of two numbers: a breadth, a new extreme, a story."""
    text = part.text
    if text.startswith("news "):
        topic, _, hours = text.removeprefix("news ").rpartition(" ")
        return f"a story on {topic.replace('_', ' ')} within {hours.removesuffix('h')} hours"
    if text.startswith("new "):
        side, _, window = text.removeprefix("new ").partition(" ")
        return f"a new {side} ({_window(window)})"
    if " of " in text and part.value is not None:
        asked, _, rest = text.partition(" of ")
        least = "at most " if asked.startswith("at most ") else ""
        return f"{part.value:g} of {rest}, {least}{asked.removeprefix('at most ')} asked for"
    return text


def _change(span: str) -> str:
    if span == "since told":
        return "the move since last told"
    if span.startswith("since "):
        return f"the move since {day(date.fromisoformat(span.removeprefix('since ')))}"
    if span.endswith("sessions"):
        return f"the move over {span}"
    return f"the move over {span[:-1]} {'minutes' if span.endswith('m') else 'hours'}"


def _window(window: str) -> str:
    """Name a window, with its reference where that is not the close."""
    return window.replace(" intraday", ", intraday") or "all"


def _sessions(measure: str) -> str:
    return measure.removeprefix("volume ").removesuffix("d")


_NAMES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "day": lambda _: "the day's move",
        "change": _change,
        "cost": lambda cost: f"the move from {cost}",
        "off": lambda window: f"the distance off the low ({_window(window.removeprefix('low '))})",
        "drawdown": lambda window: f"the drawdown ({_window(window)})",
        "range": lambda window: f"the place in the range ({_window(window)})",
        "volume": lambda _: "volume",
        "sigma": lambda sessions: f"the move in deviations of {sessions} sessions",
        "vs": lambda symbol: f"the day's move less that of {symbol}",
        "ratio": lambda symbol: f"the ratio to {symbol}",
        "spread": lambda symbol: f"the spread to {symbol}",
        "rsi": lambda sessions: f"RSI {sessions}",
        "sma": lambda sessions: f"SMA {sessions}",
        "ema": lambda sessions: f"EMA {sessions}",
    }
)
