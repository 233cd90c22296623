"""What a measure and its threshold say, as the predicate of a sentence: “is up 2% or more on the day”."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from bot.market.bars import Reference
from bot.market.extremes import Window
from bot.messages.words import day
from bot.rules.measures import (
    Against,
    Average,
    Breadth,
    Change,
    ChangeSince,
    Day,
    Direction,
    Drawdown,
    FromCost,
    Gap,
    Measure,
    OffLow,
    Position,
    Premium,
    Price,
    Ratio,
    Rsi,
    Sigmas,
    SinceTold,
    Spread,
    Streak,
    Volume,
    plain,
)
from bot.rules.terms import Comparison, NewExtreme, Story

Names = Callable[[str], str]

_WORDS_OF_WINDOW = {"all": "of all history held", "ytd": "of this year", "mtd": "of this month"}
_OF_DAYS = {"d": "day", "w": "week"}
_OF_SPAN = {"m": "minute", "h": "hour", "sessions": "session"}


def comparison_clause(term: Comparison, who: str, names: Names) -> str:
    """Return the clause that a comparison is; `who` is its subject."""
    measure, threshold = term.measure, term.threshold
    if isinstance(measure, Breadth):
        return _breadth(measure, term.direction, threshold, names)
    if not isinstance(threshold, float):
        return f"{who} has {_noun(measure, names)} at or {_side(term.direction)} {_noun(threshold, names)}"
    return f"{who} {_predicate(measure, term.direction, threshold, names)}"


def extreme_clause(term: NewExtreme, who: str) -> str:
    """Return the clause of a new low or high."""
    verb = "goes below" if term.side == "low" else "goes above"
    return f"{who} {verb} its {extreme_of(term.side, term.window, term.reference)}"


def story_clause(term: Story) -> str:
    """Return the clause of a story."""
    return f"news of {term.topic} came in within the last {counted(term.hours, 'hour')}"


def extreme_of(side: str, window: Window, reference: Reference) -> str:
    """Name the low or the peak of a window."""
    kind = "closing" if reference == "close" else "intraday"
    return f"{kind} {side} {window_words(window)}"


def window_words(window: Window) -> str:
    """Name a window, as “of 52 weeks”."""
    if window in _WORDS_OF_WINDOW:
        return _WORDS_OF_WINDOW[window]
    if window.startswith("since "):
        return f"since {day(date.fromisoformat(window.removeprefix('since ')))}"
    return f"of {counted(int(window[:-1]), _OF_DAYS[window[-1]])}"


def moved(directions: tuple[Direction, ...]) -> str:
    """Say which way a ladder goes."""
    return "up or down" if len(directions) > 1 else directions[0]


def over(measure: Measure, names: Names) -> str:
    """Say over what a move is measured."""
    match measure:
        case Change(count, span):
            return f"over {counted(count, _OF_SPAN[span])}"
        case ChangeSince(start):
            return f"since the close of {day(start)}"
        case SinceTold():
            return "since this was last told, or since the close before where it never was"
        case FromCost(cost):
            return f"from the cost of {plain(cost)}"
        case Against(symbol):
            return f"on the day against {names(symbol)}"
        case _:
            return "on the day"


def level(value: float) -> str:
    """Write a level as it was written, but for the commas of its thousands."""
    return f"{round(value, 9):,.12g}"


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def beyond(number: str, direction: Direction) -> str:
    """Write a threshold that is reached when it is touched."""
    return f"{number} or {'more' if direction == 'up' else 'less'}"


def _predicate(measure: Measure, direction: Direction, threshold: float, names: Names) -> str:
    distance = beyond(f"{plain(threshold)}%", direction)
    match measure:
        case Price():
            said = f"{'rises' if direction == 'up' else 'falls'} to {level(threshold)} or {_side(direction)}"
        case OffLow(window, reference):
            said = f"is {distance} above its {extreme_of('low', window, reference)}"
        case Drawdown(window, reference):
            said = f"is {distance} below its {extreme_of('peak', window, reference)}"
        case Streak():
            said = _streak(direction, threshold)
        case Average():
            said = f"has {_noun(measure, names)} at {level(threshold)} or {_side(direction)}"
        case Volume() | Position() | Sigmas() | Ratio() | Spread() | Rsi():
            said = _standing(measure, direction, threshold, names)
        case _:
            said = _move(measure, direction, threshold, names)
    return said


def _standing(
    measure: Volume | Position | Sigmas | Ratio | Spread | Rsi,
    direction: Direction,
    threshold: float,
    names: Names,
) -> str:
    number, most = plain(threshold), "at least" if direction == "up" else "at most"
    match measure:
        case Volume(sessions):
            average = f"the average volume of {counted(sessions, 'session')} at the same time of day"
            said = f"trades {most} {number} times {average}"
        case Position(window):
            said = f"stands at {beyond(f'{number}%', direction)} of its range {window_words(window)}"
        case Sigmas(sessions):
            reached = f"{_signed(threshold)} deviations or {_than(direction)}"
            said = f"moves on the day by {reached}, measured on {counted(sessions, 'session')}"
        case Ratio(symbol):
            said = f"costs {most} {number} times what {names(symbol)} does"
        case Spread(symbol):
            dearer = threshold >= 0
            bound = "at least" if dearer == (direction == "up") else "at most"
            difference = f"{level(abs(threshold))} {'more' if dearer else 'less'}"
            said = f"costs {bound} {difference} than {names(symbol)}"
        case _:
            said = f"has an RSI of {counted(measure.sessions, 'session')} at {number} or {_side(direction)}"
    return said


def _move(measure: Measure, direction: Direction, threshold: float, names: Names) -> str:
    size = f"{plain(abs(threshold))}%"
    ahead = threshold > 0 if direction == "up" else threshold < 0
    match measure:
        case Gap() if ahead:
            return f"opens {size} or more {_side(direction)} its close before"
        case Against(symbol) if ahead:
            better = "better" if direction == "up" else "worse"
            return f"does {size} or more {better} on the day than {names(symbol)}"
        case Day() | Change() | ChangeSince() | SinceTold() | FromCost() if ahead:
            return f"is {direction} {size} or more {over(measure, names)}"
        case _:
            return f"has {_noun(measure, names)} of {_signed(threshold)}% or {_than(direction)}"


def _streak(direction: Direction, threshold: float) -> str:
    count = abs(int(threshold))
    if direction == "up" and threshold > 0:
        return f"has risen {count} closes in a row or more"
    if direction == "down" and threshold < 0:
        return f"has fallen {count} closes in a row or more"
    return f"has a streak of {_signed(threshold)} closes or {_than(direction)}"


def _breadth(measure: Breadth, direction: Direction, threshold: object, names: Names) -> str:
    most = "at least" if direction == "up" else "at most"
    count = plain(threshold) if isinstance(threshold, float) else str(threshold)
    move = f"{measure.direction} {plain(measure.pct)}% or more on the day"
    return f"{most} {count} of {names(measure.index)}'s watched constituents are {move}"


def _noun(measure: Measure, names: Names) -> str:
    match measure:
        case Price():
            said = "its price"
        case Average(kind, sessions):
            said = f"its {sessions}-session {'simple' if kind == 'sma' else 'exponential'} average"
        case Gap():
            said = "a gap at its open"
        case Premium("premium"):
            said = "a premium of its New York line over the one in Hong Kong"
        case Premium("implied gap"):
            said = "a gap at the Hong Kong open, implied by the close in New York,"
        case Premium():
            said = "a premium in New York over the opening price in Hong Kong"
        case Sigmas(sessions):
            said = f"a move on the day in deviations of {counted(sessions, 'session')}"
        case _:
            said = f"a move {over(measure, names)}"
    return said


def _side(direction: Direction) -> str:
    return "above" if direction == "up" else "below"


def _than(direction: Direction) -> str:
    return "higher" if direction == "up" else "lower"


def _signed(number: float) -> str:
    return f"{'−' if number < 0 else '+' if number else ''}{plain(abs(number))}"
