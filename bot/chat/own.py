"""What the commands about a chat's own alerts do."""

from __future__ import annotations

from bot.chat.command import Asked
from bot.chat.stored_own import Held
from bot.errors import GrammarError, UsageError
from bot.messages.blocks import Message
from bot.messages.own import Listed, forgotten, had_already, kept, listed, mistaken
from bot.messages.own import tried as answer

# A number is a place in the list; the mark says that a name is meant, which stays whatever is removed.
_MARK = "#"


async def made(asked: Asked, line: str) -> Message:
    """Keep an alert, and say what it means and costs; a line that does not read is shown its mistake."""
    try:
        understood = await asked.own.understood(line, asked.chat)
    except GrammarError as error:
        return mistaken(error)
    # What it costs is known before it counts.
    judged = await asked.own.judged(understood)
    name, had = await asked.own.keep(asked.chat, understood)
    if had:
        return had_already(_shown(name))
    return kept(_shown(name), understood.said, judged, taken=understood.taken)


async def changed(asked: Asked, which: str, line: str) -> Message:
    """Put another line in the place of an alert's, and say what it means and costs."""
    held = await _meant(asked, which)
    try:
        understood = await asked.own.understood(line, asked.chat)
    except GrammarError as error:
        return mistaken(error)
    judged = await asked.own.judged(understood)
    if not await asked.own.change(asked.chat, held.rule.id, understood):
        return forgotten(_listed(held), was=False)
    return kept(_shown(held.rule.id), understood.said, judged, change=True, taken=understood.taken)


async def listing(asked: Asked) -> Message:
    """List the chat's own alerts."""
    return listed([_listed(each) for each in await asked.own.of(asked.chat)])


async def removed(asked: Asked, which: str) -> Message:
    """Take an alert away."""
    held = await _meant(asked, which)
    return forgotten(_listed(held), was=await asked.own.forget(asked.chat, held.rule.id))


async def tried(asked: Asked, line: str) -> Message:
    """Say what a line would have done on the history held."""
    following = await asked.kept.following(asked.chat) if asked.kept is not None else frozenset[str]()
    try:
        found = await asked.market.backtest(line, following)
    except GrammarError as error:
        return mistaken(error)
    if asked.drawing is None or found.picture is None:
        return answer(found)
    return answer(found, await asked.drawing.backtest(found.picture))


async def _meant(asked: Asked, which: str) -> Held:
    """Return the alert that a number or a name means; `UsageError` with what there is."""
    held = await asked.own.of(asked.chat)
    if not held:
        raise UsageError("This chat has no alerts of its own: begin with /alert 小米 跌破 12.")
    if which.isdecimal() and 0 < int(which) <= len(held):
        return held[int(which) - 1]
    name = which.casefold()
    if not name.isdecimal():
        for each in held:
            if each.rule.id == name.removeprefix(_MARK):
                return each
    there = "there is only 1" if len(held) == 1 else f"write 1 to {len(held)}, as /alerts has them"
    raise UsageError(f"This chat has no alert {which[:24]}: {there}.")


def _listed(held: Held) -> Listed:
    return Listed(_shown(held.rule.id), held.rule.text, held.told)


def _shown(name: str) -> str:
    return f"{_MARK}{name}"
