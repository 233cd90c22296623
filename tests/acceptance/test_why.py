"""`marketbell why` and `/why`, asked of what a running Marketbell keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from bot.alerts.alert import Alert, Move
from bot.app.parts import Parts, topics_of
from bot.chat.command import Asked
from bot.chat.commands.why import COMMAND
from bot.chat.stored_book import StoredBook
from bot.chats.chat_id import ChatId
from bot.chats.roles import Role
from bot.chats.subscription import EVERYTHING
from bot.clock import machine_time
from bot.config import read_secrets, read_settings
from bot.errors import NotKnown, UsageError
from bot.messages.blocks import plain
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats, outbox
from bot.store.link import Link, Place, connect
from bot.store.outbox import Ending, Pace
from bot.store.server import embedded, socket_of
from tests.cast import ALICE, BOB, NOW, alert
from tests.conftest import ROOT, Marketbell, Said
from tests.unit.test_condition_messages import BELOW, met
from tests.unit.test_condition_messages import told as gate

# As a worker stores it, with the very change.
HSTECH = alert()
assert isinstance(HSTECH.facts, Move)
MOVE = replace(
    HSTECH, facts=replace(HSTECH.facts, crossing=replace(HSTECH.facts.crossing, value=4.0000000000000036))
)


@dataclass(frozen=True, slots=True)
class Home:
    """A Marketbell that runs, and the way to ask it."""

    link: Link
    why: Callable[..., Said]

    async def keep(self, *alerts: Alert) -> None:
        for number, each in enumerate(alerts):
            await stored.raise_together(
                self.link, 1, f"job {number} {each.fingerprint}", machine_time(), [each]
            )
        await FanOut(self.link, machine_time).work_off()

    async def send(self, chat: ChatId, alerts: Sequence[Alert]) -> None:
        """Let what waits for a chat be sent."""
        now = machine_time()
        for each in alerts:
            (claim,) = [
                one
                for one in await outbox.claim(self.link, chat.route, each.fingerprint, now, now + 1000, 9)
                if one.chat == chat
            ]
            ending = Ending("sent", "1")
            await outbox.settle(self.link, claim, now, ending, Pace(0, 1), [each.fingerprint])


@pytest.fixture
async def home(tmp_path: Path, marketbell: Marketbell) -> AsyncIterator[Home]:
    folder = tmp_path / "live"
    with embedded(folder):
        link = await connect(Place(socket=socket_of(folder)), "live")
        yield Home(link, partial(_why, marketbell, tmp_path))
        await link.close()


def _why(marketbell: Marketbell, folder: Path, *words: str) -> Said:
    return marketbell("why", *words, "--data-dir", folder)


async def test_an_alert_is_taken_apart_by_the_beginning_of_its_fingerprint(home: Home) -> None:
    await chats.subscribe(home.link, ALICE, EVERYTHING, NOW)
    await chats.subscribe(home.link, BOB, EVERYTHING, NOW)
    await home.keep(MOVE)
    await home.send(ALICE, [MOVE])
    told = home.why(MOVE.fingerprint[:6])
    assert (told.status, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == "Why: HSTECH +4.00%: HK$104.00, +4.00"
    assert lines[1] == f"Alert {MOVE.fingerprint}"
    assert "(104 ÷ 100 − 1) × 100 = 4.0000000000000036%" in lines
    assert "Deliveries: 1 queued, 1 sent" in lines
    assert lines[-1].startswith("Computed again from what is stored, all agree: change, ")
    assert home.why(MOVE.fingerprint).out == told.out


async def test_machines_are_told_the_inputs_and_what_came_out_again(home: Home) -> None:
    await home.keep(MOVE)
    told = home.why(MOVE.fingerprint, "--json").one
    assert told["agrees"] is True
    assert told["checks"][0] == {
        "what": "change",
        "stored": "4.0000000000000036",
        "again": "4.0000000000000036",
        "agrees": True,
    }
    assert told["steps"] == [{"pct": 4.0, "level": 104.0, "stand": "told now"}]
    assert told["alert"]["facts"]["crossing"]["reference"] == {"value": 100.0, "session": "2022-03-15"}
    assert told["deliveries"] == {}


async def test_a_number_that_comes_out_as_another_is_said_and_fails(home: Home) -> None:
    assert isinstance(MOVE.facts, Move)
    crossing = replace(MOVE.facts.crossing, value=4.5)
    await home.keep(replace(MOVE, facts=replace(MOVE.facts, crossing=crossing)))
    told = home.why(MOVE.fingerprint)
    assert told.status == 1
    assert told.out.splitlines()[-1] == (
        "Does not agree: change is stored as 4.5, and comes out as 4.0000000000000036"
    )
    assert home.why(MOVE.fingerprint, "--json").one["agrees"] is False


async def test_a_gate_is_found_and_taken_apart_too(home: Home) -> None:
    await home.keep(gate(met(BELOW)))
    told = home.why(gate(met(BELOW)).fingerprint, "--json")
    assert told.status == 0
    assert told.one["parts"] == [
        {"text": "price < 12", "value": 11.98, "threshold": 12.0, "holds": True, "unknown": "", "again": True}
    ]


@pytest.mark.parametrize(
    "beginning, status, said",
    [
        ("ffffff", 1, "No alert is kept whose fingerprint begins with “ffffff”."),
        ("******", 1, "No alert is kept whose fingerprint begins with “******”."),
        ("[a-f0-9]", 1, "No alert is kept whose fingerprint begins with “[a-f0-9]”."),
        ("abc", 2, "“abc” is too little of a fingerprint: write its first 6 characters, or more."),
        ("same11", 1, "More than one alert begins with “same11”: write more of its fingerprint."),
    ],
)
async def test_what_names_no_alert_is_told_in_one_sentence(
    home: Home, beginning: str, status: int, said: str
) -> None:
    await home.keep(
        MOVE, *(replace(alert(symbol=each), fingerprint=f"same11{each}") for each in ("A", "B", "C"))
    )
    told = home.why(beginning)
    assert (told.status, told.out, told.err) == (status, "", f"{said}\n")


def asked(link: Link, *words: str, chat: ChatId = ALICE, role: Role = Role.READER) -> Asked:
    settings = read_settings(ROOT / "config.yaml")
    parts = Parts(settings, read_secrets({}), link, ROOT, lambda _event, **_facts: None)
    book = StoredBook(link, (), machine_time)
    return Asked(words, " ".join(words), chat, role, parts.market(), book, topics_of(settings), ())


async def test_a_chat_asks_why_it_was_told_what_it_was_told_last(home: Home) -> None:
    await chats.subscribe(home.link, ALICE, EVERYTHING, NOW)
    later = alert(6, before=4)
    await home.keep(MOVE, later)
    with pytest.raises(NotKnown, match="This chat was told nothing lately"):
        await COMMAND.answer(asked(home.link))
    await home.send(ALICE, [MOVE])
    assert f"Alert {MOVE.fingerprint}" in plain(await COMMAND.answer(asked(home.link)))
    await home.send(ALICE, [later])
    assert f"Alert {later.fingerprint}" in plain(await COMMAND.answer(asked(home.link)))
    named = await COMMAND.answer(asked(home.link, MOVE.fingerprint[:8]))
    assert f"Alert {MOVE.fingerprint}" in plain(named)


async def test_an_alert_of_a_chats_own_is_told_apart_there_and_to_the_owner_alone(home: Home) -> None:
    own = gate(met(BELOW))
    await home.keep(own)
    words = (own.fingerprint,)
    assert str(ALICE) == "telegram:77:1001"
    assert "price < 12" in plain(await COMMAND.answer(asked(home.link, *words, chat=ALICE)))
    assert "price < 12" in plain(await COMMAND.answer(asked(home.link, *words, chat=BOB, role=Role.OWNER)))
    with pytest.raises(NotKnown, match="No alert is kept"):
        await COMMAND.answer(asked(home.link, *words, chat=BOB, role=Role.MEMBER))


async def test_a_chat_is_told_what_to_write_as_well(home: Home) -> None:
    with pytest.raises(UsageError, match="write its first 6 characters"):
        await COMMAND.answer(asked(home.link, "abc"))
