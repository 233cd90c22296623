"""A fixed cast: chats of several platforms, and alerts that are told in them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bot.alerts.alert import Alert, Move, Seen, move_topics
from bot.chats.chat_id import ChatId
from bot.market.extremes import Extreme
from bot.rules.crossing import Crossing

ALICE = ChatId("telegram", "77", "1001")
BOB = ChatId("telegram", "77", "1002")
GROUP = ChatId("telegram", "77", "-100500")
CHANNEL = ChatId("slack", "T1", "C1")
MOMENT = datetime(2022, 3, 16, 2, 0, tzinfo=UTC)
NOW = 1_700_000_000_000


def crossing(
    step: float = 4, before: float = 0, symbol: str = "HSTECH", episode: str = "2022-03-16"
) -> Crossing:
    """Return a day move of `symbol` that reached `step` per cent."""
    return Crossing(
        rule="index_day",
        revision="r1",
        symbol=symbol,
        session=date.fromisoformat(episode),
        time=MOMENT,
        measure="day change",
        direction="up",
        episode=episode,
        compared_with="close",
        reference=Extreme(100.0, date(2022, 3, 15)),
        trigger="touch",
        steps=(step,),
        passed=(before,) if before else (),
        before=before,
        ahead=(),
        level=100 + step,
        value=step,
        price=100 + step,
        last=100 + step,
        final=False,
        seen_by="quote",
        adjusted=False,
    )


def alert(
    step: float = 4, before: float = 0, symbol: str = "HSTECH", fold: str = "", raised: int = NOW
) -> Alert:
    """Return the alert of such a move; alerts of one `fold` are told together."""
    crossed = crossing(step, before, symbol)
    return Alert(
        fingerprint=crossed.fingerprint,
        facts=Move(crossed, symbol, {"en": symbol}, "HK", "HKD", Seen("Yahoo", MOMENT)),
        topics=move_topics(crossed),
        reason="new step" if before else "first",
        at=MOMENT,
        raised=raised,
        fold=fold or crossed.fingerprint,
    )
