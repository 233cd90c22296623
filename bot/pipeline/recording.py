"""What is recorded of an attempt to send: how it ended, and when to go on."""

from __future__ import annotations

from random import Random

from bot.alerts.outcome import Again, Broken, Gone, Moved, Outcome, Refused, Sent, Slow, Unknown
from bot.pipeline.dispatch import Patience
from bot.pipeline.retry import backoff
from bot.store.growing import Growing
from bot.store.outbox import Ending

_UNTOLD_WAIT = 5_000


def ending_of(
    outcome: Outcome, grown: tuple[Growing, ...], attempt: int, patience: Patience, chance: Random
) -> Ending:
    """Return the ending of the `attempt`-th attempt, of which the platform said `outcome`.

    A platform that asks for patience without saying how long is left alone for five seconds.
    """
    match outcome:
        case Sent(message_id, posts):
            return Ending("sent", message_id, grown=grown, posts=posts)
        case Slow(why, wait):
            return Ending("waiting", why, _UNTOLD_WAIT if wait is None else wait)
        case Again(why, wait):
            return Ending("waiting", why, backoff(attempt, chance) if wait is None else wait)
        case Refused(why):
            return Ending("refused", why, backoff(attempt, chance))
        case Unknown(why):
            return Ending("unknown", why, patience.doubt)
    return _last(outcome)


def _last(outcome: Gone | Broken | Moved) -> Ending:
    match outcome:
        case Gone(why):
            return Ending("gone", why)
        case Broken(why):
            return Ending("dead", why)
        case Moved():
            raise AssertionError("a chat that moved is told under its new name")
