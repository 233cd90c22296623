"""What a chat is answered about alerts of its own: how they are written, what they cost, which it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from bot.chats.measured import Judged
from bot.errors import GrammarError
from bot.messages.answers import also
from bot.messages.backtests import report_message
from bot.messages.blocks import Line, Message, Picture, Strong, Table, Words, line, message_of, strong
from bot.messages.pictures import BacktestPicture
from bot.messages.subscribing import calmer_line, rate_line
from bot.messages.words import day
from bot.rules.report import Report

EXAMPLES = (
    "/alert 小米 跌破 12",
    "/alert HSTECH ±2/3/5%",
    "/alert HSTECH drawdown 20/30/40%",
    '/alert 0700.HK new low 52w once a session note "look at ADR"',
)
_FIRES = 5
_NO_ANSWER = "How often it will ring is not known now: the worker does not answer"
# What stands in the width that a caret needs to line up.
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a chat's own alerts: its name, its canonical line, and the day it last told if known."""

    name: str
    text: str
    told: date | None = None


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a line would have done, and what to call the instruments that it looks at, by symbol.

    `taken` says for what words were taken where they were not a name; `picture` is there for one instrument.
    """

    report: Report
    shorts: Mapping[str, str]
    taken: tuple[str, ...] = ()
    picture: BacktestPicture | None = None


def tried(found: Backtested, picture: Picture | None = None) -> Message:
    """Return the answer to `/backtest`."""
    message = report_message(found.report, lambda symbol: found.shorts.get(symbol, symbol), _FIRES)
    return also("; ".join(found.taken), replace(message, picture=picture))


def usage() -> Message:
    """Return how an alert is written."""
    return Message(
        strong("Write in one line what you want to be told of"),
        (
            *map(line, EXAMPLES),
            line("It is said back in plain words, with how often it would have rung"),
            line("/alerts lists this chat's own, /forget 1 removes the first; /backtest tries a line first"),
        ),
    )


def kept(
    name: str, said: Iterable[str], judged: Judged | None, *, change: bool = False, taken: Iterable[str] = ()
) -> Message:
    """Return the answer to an alert that is kept: what it means, and what it will cost."""
    heading = f"Alert {name} is changed" if change else f"Alert {name} is set"
    cost = (_NO_ANSWER,) if judged is None else tuple(costs(judged, f"/alert change {name} "))
    below = "/alerts lists this chat's own, /forget removes one"
    return Message(strong(heading), tuple(map(line, (*taken, *said, *cost, below))))


def costs(judged: Judged, instead: str) -> Iterable[str]:
    """Give what is known of a rule before it counts; `instead` is what stands before a calmer line."""
    yield rate_line(judged.measured)
    if judged.calmer is not None:
        yield calmer_line(f"{instead}{judged.calmer.line}", judged.calmer.rate)
    yield from judged.already


def had_already(name: str) -> Message:
    """Return the answer to an alert that the chat has."""
    return message_of(f"This chat has that alert already: it is {name}\n/alerts lists this chat's own")


def mistaken(error: GrammarError) -> Message:
    """Return the answer to a line that cannot be read: its caret stands under the place of the mistake."""
    sentence, *rest = str(error).split("\n")
    pointed = tuple((each.removeprefix(_INDENT),) for each in rest if each.startswith(_INDENT))
    others = (line(each) for each in rest if not each.startswith(_INDENT))
    return Message(strong(sentence), (*((Table(pointed),) if pointed else ()), *others))


def listed(held: Iterable[Listed]) -> Message:
    """Return the answer to `/alerts`."""
    lines = tuple(_entry(number, each) for number, each in enumerate(held, start=1))
    if not lines:
        return message_of(f"This chat has no alerts of its own\nBegin with {EXAMPLES[0]}")
    below = line("/forget 1 removes the first, /alert change 1 LINE replaces it")
    return Message(strong("This chat's own alerts"), (*lines, below))


def forgotten(each: Listed, *, was: bool) -> Message:
    """Return the answer to `/forget`."""
    if was:
        return message_of(f"Forgotten: alert {each.name}, {each.text}")
    return message_of(f"Alert {each.name} was gone already\n/alerts lists this chat's own")


def _entry(number: int, each: Listed) -> Line:
    told = "not told lately" if each.told is None else f"last told {day(each.told)}"
    return Line((Words(f"{number}. "), Strong(each.text), Words(f" — {each.name}, {told}")))
