"""What must hold after every fault, whatever the fault was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.chats.chat_id import ChatId
from bot.store import alerts as stored
from bot.store import outbox
from tests.acceptance.processes import TOKENS
from tests.faults.stage import Stage
from tests.faults.stories import DESKS, numbers_in, story

# Keys that are kept until they are undone or emptied; every other one must know when it ends.
KEPT = (
    *("lease", "epoch", "jobs", "recent", "boxes", "claims", "pace", "counts", "dead", "joins", "bucket"),
    *("gone", "due:*", "wake:*", "subs:*", "sub:*", "version", "schema"),
)
_AT_ONCE = 500
_MOST_FILES, _MOST_THREADS = 128, 24
_NAMED = 5


@dataclass(slots=True)
class Tally:
    """What a row came to; `problems` are the sentences about what did not hold."""

    alerts: int = 0
    deliveries: int = 0
    kills: int = 0
    lost: int = 0
    repeated: int = 0
    unknown: int = 0
    repeated_unknown: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another row in."""
        for name in ("alerts", "deliveries", "kills", "lost", "repeated", "unknown", "repeated_unknown"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.ended += other.ended
        self.problems += other.problems

    def must(self, holds: object, problem: str) -> None:
        """Take a problem down where something does not hold."""
        if not holds:
            self.problems.append(problem)


def shown(made: Stage, chat: ChatId) -> dict[str, str]:
    """Return what a chat shows in the end, by the ids of its messages in their order."""
    if chat.platform == "slack":
        return {each.ts: f"{each.text}\n{each.seen}" for each in made.slack.messages[chat.chat]}
    number = int(chat.chat)
    sent = {str(each.message_id): each.text for each in made.telegram.messages[number]}
    return sent | {str(each.message_id): each.text for each in made.telegram.edits[number]}


def stories_in(made: Stage, chat: ChatId) -> dict[str, list[int]]:
    """Return the numbers of the stories that each message of a chat tells, each once a message."""
    return {name: list(dict.fromkeys(numbers_in(text))) for name, text in shown(made, chat).items()}


async def states_of(made: Stage, last: int) -> dict[int, Mapping[str, str]]:
    """Return what the ledger has of each story before `last`, by chat."""
    found: dict[int, Mapping[str, str]] = {}
    for first in range(0, last, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, last))
        async with made.link.client.pipeline(transaction=False) as pipe:
            for number in numbers:
                pipe.hgetall(made.link.keys.ledger(story(number, 0).fingerprint))
            found |= zip(numbers, await pipe.execute(), strict=True)
    return found


async def check(
    made: Stage,
    last: int,
    *,
    moved: Mapping[ChatId, ChatId] | None = None,
    gone: Iterable[ChatId] = (),
    besides: Iterable[str | int] = (),
) -> Tally:
    """Look at everything when all is at rest: at what chats show, at the ledger, at Redis, at what was said.

    `moved` names chats that ended under another name, `gone` those that were switched off, `besides` those
    where somebody asked and was answered.
    """
    tally = Tally(alerts=last - len(made.skipped), kills=made.kills)
    states = await states_of(made, last)
    away = set(gone)
    for chat, desks in made.listeners.items():
        mail = _Mail(made, tally, chat, (moved or {}).get(chat), is_gone=chat in away)
        mail.judge({each: of for each, of in states.items() if each % DESKS in desks})
    tally.must(not tally.lost, f"{tally.lost} lost")
    tally.unknown = len(made.doubted)
    await _counted_once(made, tally, states, changed=bool(moved or away))
    await _nothing_pending(made, tally)
    await _no_key_for_ever(made, tally)
    _nothing_told_unasked(made, tally, moved or {}, frozenset(besides))
    _no_secrets(made, tally)
    _nothing_too_fast(made, tally)
    _processes(made, tally)
    return tally


@dataclass(slots=True)
class _Mail:
    """What a chat was to be told, what it shows, and what the ledger has of it: they must be one to one."""

    made: Stage
    tally: Tally
    chat: ChatId
    moved: ChatId | None
    is_gone: bool

    def judge(self, asked_for: Mapping[int, Mapping[str, str]]) -> None:
        """Compare them, for the stories that the chat asked for."""
        told = stories_in(self.made, self.chat)
        if self.moved is not None:
            told |= stories_in(self.made, self.moved)
        numbers = [number for some in told.values() for number in some]
        first = list(dict.fromkeys(numbers))
        self.tally.must(first == sorted(first), f"{self.chat} was told out of order: {first[:20]}")
        strange = set(numbers) - asked_for.keys()
        self.tally.must(not strange, f"{self.chat} was told what it did not ask for: {strange}")
        times = Counter(numbers)
        for number, states in asked_for.items():
            state = self._state(states)
            if number not in self.made.skipped and (state or not self.is_gone):
                self._judge(number, state, times[number], told)

    def _state(self, states: Mapping[str, str]) -> str:
        """Return what the ledger has; of a chat that moved, under the name that was told."""
        state = states.get(str(self.chat), "")
        if self.moved is not None and not state.startswith("sent"):
            return states.get(str(self.moved), state)
        return state

    def _judge(self, number: int, state: str, times: int, told: Mapping[str, list[int]]) -> None:
        tally, what = self.tally, f"{self.chat}: {number}"
        ended, _, rest = state.partition(" ")
        delivery = (str(self.chat), story(number, 0).fingerprint)
        doubted = delivery in self.made.doubted
        tally.deliveries += 1
        tally.ended[ended or "nothing"] += 1
        match ended:
            case "sent":
                tally.must(number in told.get(rest.split(" ")[0], []), f"{what} is not there as “{state}”")
            case "dropped":
                tally.must(self.is_gone or self.moved, f"{what} ended as “{state}” where the chat is there")
            case "unknown":
                tally.must(doubted, f"{what} ended as “{state}” and was never in doubt")
            case "dead":
                pass
            case _:
                tally.problems.append(f"{what} ended as “{state}”")
        if not times and ended not in {"dead", "dropped", "unknown"}:
            tally.lost += 1
        if times > 1:
            looked_up = self.chat.platform == "slack" and delivery not in self.made.stood_still
            self._repeated(what, times, allowed=doubted and not looked_up)

    def _repeated(self, what: str, times: int, *, allowed: bool) -> None:
        if not allowed:
            self.tally.repeated += 1
            why = "was never in doubt, or could be looked up"
            self.tally.problems.append(f"{what} is shown {times} times and {why}")
            return
        self.tally.repeated_unknown += 1
        self.tally.must(times == 2, f"{what} was in doubt and is shown {times} times")


async def _counted_once(
    made: Stage, tally: Tally, states: Mapping[int, Mapping[str, str]], *, changed: bool
) -> None:
    """See that nothing was raised, queued or counted as sent more often than it was."""
    recent = await stored.recent_fingerprints(made.link, 10_000)
    tally.must(len(recent) == len(set(recent)), "an alert was raised twice")
    counted = (await outbox.counts(made.link)).get("sent", 0)
    tally.must(counted == tally.ended["sent"], f"{counted} are counted as sent, of {tally.ended['sent']}")
    for number in (each for each in states if each not in made.skipped and not changed):
        asked = sum(number % DESKS in desks for desks in made.listeners.values())
        queued = int(states[number].get("queued", 0))
        tally.must(queued == asked, f"{number} was queued for {queued} chats, and {asked} asked for it")


async def _nothing_pending(made: Stage, tally: Tally) -> None:
    keys, client = made.link.keys, made.link.client
    boxes, claims = await client.hgetall(keys.boxes()), await client.hgetall(keys.claims())
    tally.must(not boxes, f"mail is left: {dict(list(boxes.items())[:_NAMED])}")
    tally.must(not claims, f"chats are still claimed: {claims}")
    tally.must(await made.at_rest(), "something is still due")


async def _no_key_for_ever(made: Stage, tally: Tally) -> None:
    client = made.link.client
    names = [key async for key in client.scan_iter(count=1000)]
    async with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.ttl(name)
        lives = await pipe.execute()
    patterns = [re.compile(re.escape(each).replace(r"\*", ".*")) for each in KEPT]
    for name, left in zip(names, lives, strict=True):
        bare = name.partition("}:")[2] or name.rpartition(":")[2]
        kept = any(each.fullmatch(bare) for each in patterns)
        tally.must(left >= 0 or kept, f"{name} is kept for ever")


def _nothing_told_unasked(
    made: Stage, tally: Tally, moved: Mapping[ChatId, ChatId], besides: frozenset[str | int]
) -> None:
    known = {*made.listeners, *moved.values()}
    telegram = {int(each.chat) for each in known if each.platform == "telegram"}
    slack = {each.chat for each in known if each.platform == "slack"}
    strangers: list[object] = [
        chat for chat, said in made.telegram.messages.items() if said and chat not in telegram | besides
    ]
    strangers += [chat for chat, said in made.slack.messages.items() if said and chat not in slack | besides]
    tally.must(not strangers, f"chats were told that asked for nothing: {strangers}")


def _no_secrets(made: Stage, tally: Tally) -> None:
    secrets = [each.encode() for each in TOKENS.values()]
    places = {each.name: each.said.encode() for each in made.parts}
    places |= {str(file): file.read_bytes() for file in _files(made.redis.folder)}
    for place, text in places.items():
        tally.must(not any(each in text for each in secrets), f"{place} holds a secret")


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def _nothing_too_fast(made: Stage, tally: Tally) -> None:
    if made.scripted_429:
        return
    slow = [each for each in made.telegram.journal if each.code == 429]
    limited = [each for each in made.slack.journal if each.answered == "ratelimited"]
    tally.must(not slow, f"Telegram asked to slow down {len(slow)} times")
    tally.must(not limited, f"Slack asked to slow down {len(limited)} times")


def _processes(made: Stage, tally: Tally) -> None:
    for part in made.parts:
        said = part.said
        tally.must("Traceback" not in said, f"{part.name}: {said[said.find('Traceback') :][:2000]}")
        if part.process is None:
            continue
        folder = Path(f"/proc/{part.process.child.pid}")
        # It may have ended by itself, as whoever raises does when all is raised.
        with suppress(FileNotFoundError):
            files, threads = len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir()))
            tally.must(files < _MOST_FILES, f"{part.name} holds {files} files open")
            tally.must(threads < _MOST_THREADS, f"{part.name} runs {threads} threads")
