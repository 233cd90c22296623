"""What must hold when a session has come to rest, whatever went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.store import alerts as stored
from tests.simulation.platform import Post, Service
from tests.simulation.session import LEASE_S, PATIENCE, Session
from tests.simulation.world import World

_FOR_GOOD = (
    *("lease", "epoch", "recent", "counts", "dead", "gone", "pace", "joins", "ladder", "sub", "subs"),
    *("bucket", "wake"),
)
_LATE_MS = 2 * PATIENCE.lease + round(LEASE_S * 1000)

States = Mapping[tuple[str, str], str]


async def broken(world: World, session: Session) -> list[str]:
    """Return a sentence for each thing that should not be; none where all is well."""
    raised = await stored.recent(world.observer().link(), 2_000)
    if not raised:
        return ["nothing was raised"]
    states = await _states(world, raised)
    posts = [each for service in session.services for each in service.journal]
    return [
        *(await _left_over(world)),
        *_lost(session, raised, states),
        *(each for service in session.services for each in _repeated(raised, states, service)),
        *_not_as_recorded(states, posts),
        *_out_of_order(raised, states, posts),
        *(f"faster than it may: {each}" for service in session.services for each in service.too_fast),
    ]


async def _states(world: World, raised: tuple[Alert, ...]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for each in raised:
        key = world.keys.ledger(each.fingerprint)
        held = await world.done(lambda key=key: world.real.hgetall(key))  # type: ignore[misc]
        found |= {(chat, each.fingerprint): state for chat, state in held.items() if chat != "queued"}
    return found


async def _left_over(world: World) -> list[str]:
    """Tell of what still waits, and of keys that would be kept for ever."""
    wrong = [each for each in world.happened if each.endswith("never came to rest")]
    prefix = f"{world.keys.namespace}:*"
    keys = await world.done(lambda: world.real.keys(prefix))
    for key in sorted(keys):
        name = key.split("}")[-1].removeprefix(":").split(":")[0]
        if name in {"boxes", "due", "claims", "shelf", "jobs", "held"}:
            wrong.append(f"{key} is left over")
        elif name not in _FOR_GOOD and await world.done(lambda key=key: world.real.ttl(key)) == -1:  # type: ignore[misc]
            wrong.append(f"{key} is kept for ever")
    return wrong


def _lost(session: Session, raised: tuple[Alert, ...], states: States) -> Iterator[str]:
    """Tell of alerts that a chat should have an ending of, and has none."""
    for chat in session.chats:
        service = next(each for each in session.services if each.route == chat.route)
        for each in (told for told in raised if EVERYTHING in told.topics):
            name, state = _ending(chat, each, service, states)
            if state is None and name not in service.left:
                yield f"lost: {each.fingerprint} to {name}"
            elif state is not None and state.split(" ")[0] not in {"sent", "unknown", "dead", "dropped"}:
                yield f"no ending: {each.fingerprint} to {name} is “{state}”"
            elif state is not None and state.startswith("dropped") and name not in service.left:
                yield f"dropped: {each.fingerprint} to {name} is “{state}”"


def _ending(chat: ChatId, alert: Alert, service: Service, states: States) -> tuple[str, str | None]:
    name = str(chat)
    state = states.get((name, alert.fingerprint))
    while name in service.moved and state in {None, "dropped moved"}:
        name = str(service.moved[name])
        state = states.get((name, alert.fingerprint))
    return name, state


def _repeated(raised: tuple[Alert, ...], states: States, service: Service) -> Iterator[str]:
    """Tell of messages that show an alert a second time although somebody could know of the first.

    Where the platform tells what is shown, only who was frozen while its message was on its way may have it
    shown beside that of the one who took over.
    """
    known = {each.fingerprint for each in raised}
    # What ended as unknown is recorded in no message, and may be shown in one.
    unknown = {each for each, state in states.items() if state.startswith("unknown")}
    for post in service.journal:
        for alert in post.alerts:
            if alert not in known:
                yield f"never raised: {alert} in {post.chat}"
                continue
            state = states.get((post.chat, alert), "")
            is_recorded = state.startswith(f"sent {post.message_id}")
            doubted = post.process.was_frozen(post.at - _LATE_MS, post.at + _LATE_MS)
            if not service.tells:
                doubted = doubted or post.cut or post.process.dead
            if (post.chat, alert) in unknown and not post.is_change:
                unknown.discard((post.chat, alert))
            elif not post.is_change and not is_recorded and not doubted:
                yield f"repeated: {alert} in {post.chat} at {post.at}, recorded as “{state}”"


def _not_as_recorded(states: States, posts: list[Post]) -> Iterator[str]:
    """Tell of records of messages that do not show what they should."""
    shown = {(each.chat, each.message_id, alert) for each in posts for alert in each.alerts}
    for (chat, alert), state in states.items():
        word, _, rest = state.partition(" ")
        if word == "sent" and (chat, rest.split(" ")[0], alert) not in shown:
            yield f"recorded and not shown: {alert} in {chat} is “{state}”"


def _out_of_order(raised: tuple[Alert, ...], states: States, posts: list[Post]) -> Iterator[str]:
    """Tell of alerts that a chat was told after later ones, though nothing held them."""
    age = {each.fingerprint: number for number, each in enumerate(raised)}
    latest: dict[str, int] = {}
    for post in sorted(posts, key=lambda each: each.at):
        recorded = [states.get((post.chat, each), "") for each in post.alerts]
        is_first = any(each == f"sent {post.message_id}" for each in recorded)
        # What was held, for a reason or for its group, is told when that is over, with a word of its own.
        if post.is_change or not is_first:
            continue
        oldest = min(age[each] for each in post.alerts)
        if oldest < latest.get(post.chat, -1):
            yield f"out of order: {post.alerts[0]} in {post.chat} at {post.at}"
        latest[post.chat] = max(oldest, latest.get(post.chat, -1))
