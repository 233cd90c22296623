"""`marketbell dead`, asked of a Marketbell whose sender is a real process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.alert import Alert
from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.clock import machine_time
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats, dead, outbox
from bot.store.keys import LIVE
from bot.store.link import Link, Place, connect
from bot.store.server import embedded, socket_of
from tests.acceptance.processes import TOKENS, addresses, running, settings, start, until
from tests.cast import alert
from tests.fakes.telegram import TOKEN, Answer, FakeTelegram

ALICE = 4242
HERS = ChatId("telegram", TOKEN.partition(":")[0], str(ALICE))
REFUSED = Answer(400, "Bad Request: message is too long")


@dataclass(frozen=True, slots=True)
class Told:
    """What the command line said, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def facts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class House:
    """Telegram, one Redis, and the way to ask about its dead letters."""

    telegram: FakeTelegram
    link: Link
    config: Path
    environ: dict[str, str]

    async def tell(self, *alerts: Alert) -> None:
        for each in alerts:
            await stored.raise_together(self.link, 1, f"job {each.fingerprint}", machine_time(), [each])
        await FanOut(self.link, machine_time).work_off()

    async def dead(self, *words: str) -> Told:
        process = await start("dead", *words, "--config", self.config, environ=self.environ)
        status = await process.ended()
        return Told("".join(process.out), "".join(process.err), status)

    async def died(self, number: int = 1) -> list[str]:
        """Wait for so many letters, and return their ids."""

        async def counted() -> bool:
            return await dead.count(self.link) == number

        await until(counted)
        held = await dead.letters(self.link)
        return [dead.short_names(held)[each.field] for each in held]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with FakeTelegram() as telegram:
        with embedded(tmp_path / "redis"):
            socket = socket_of(tmp_path / "redis")
            link = await connect(Place(socket=socket), LIVE)
            await chats.subscribe(link, HERS, EVERYTHING, 1)
            environ = {
                "TELEGRAM_TOKEN": TOKENS["TELEGRAM_TOKEN"],
                "REDIS_URL": f"unix://{socket}",
                "XDG_DATA_HOME": str(tmp_path / "home"),
            }
            config = settings(tmp_path, addresses(telegram))
            yield House(telegram, link, config, environ)
            await link.close()


def now_alert(step: float, before: float = 0) -> Alert:
    return alert(step, before, raised=machine_time())


async def test_a_message_that_telegram_never_takes_is_listed_shown_and_sent_after_all(house: House) -> None:
    house.telegram.script(REFUSED)
    each = now_alert(4)
    async with running("sender", "--config", house.config, environ=house.environ) as sender:
        await house.tell(each)
        (name,) = await house.died()
        await until(lambda: "not delivered" in sender.said)

        (line,) = (await house.dead("list")).out.splitlines()
        assert line.startswith(f"{name}  ")
        assert f"  {HERS}  dead: Message is too long  “HSTECH +4.00%" in line

        shown = (await house.dead("show", name)).out.splitlines()
        assert shown[1:4] == [f"For {HERS}", "Why: Message is too long", f"Alert {each.fingerprint}"]
        assert "HSTECH +4.00%: HK$104.00, +4.00" in shown

        (facts,) = (await house.dead("show", name[:6], "--json")).facts
        assert (facts["id"], facts["chat"], facts["ended"]) == (name, str(HERS), "dead")
        assert facts["alert"]["fingerprint"] == each.fingerprint
        assert (await house.dead("list", "--json")).facts == [facts]

        assert house.telegram.texts(ALICE) == []
        told = await house.dead("retry", name)
        assert told == Told(f"{name} is sent once more to {HERS}\n", "", 0)
        await until(lambda: len(house.telegram.texts(ALICE)) == 1)
        assert house.telegram.texts(ALICE)[0].startswith("HSTECH +4.00%")

        async def settled() -> bool:
            return await outbox.counts(house.link) == {"dead": 0, "sent": 1}

        await until(settled)
    assert (await house.dead("list")).out == "There are no dead letters.\n"
    assert (await house.dead("list", "--json")).out == ""
    assert (await house.dead("retry", "all")).out == "There are no dead letters.\n"
    again = await house.dead("retry", name)
    assert (again.status, again.out) == (1, "")
    assert again.err == f"No dead letter has the id “{name}”: marketbell dead list shows them.\n"


async def test_several_are_paged_and_all_of_them_sent_or_dropped(house: House) -> None:
    house.telegram.script(REFUSED, times=3)
    async with running("sender", "--config", house.config, environ=house.environ):
        for number, each in enumerate([now_alert(4), now_alert(6, 4), now_alert(8, 6)], start=1):
            await house.tell(each)
            await house.died(number)
        names = await house.died(3)
        first, more = (await house.dead("list", "--most", "1")).out.splitlines()
        assert first.startswith(names[0])
        assert more == "2 more: --skip 1"
        rest = (await house.dead("list", "--skip", "1")).out.splitlines()
        assert [each.split("  ")[0] for each in rest] == names[1:]
        dropped = await house.dead("drop", names[1], "--json")
        assert [(each["id"], each["done"]) for each in dropped.facts] == [(names[1], "dropped")]
        retried = await house.dead("retry", "all", "--json")
        assert [each["id"] for each in retried.facts] == [names[0], names[2]]
        await until(lambda: "+8" in "".join(house.telegram.texts(ALICE)))
    assert await dead.count(house.link) == 0
    assert (await outbox.counts(house.link))["dropped by hand"] == 1
    assert not any("+6.00%" in each for each in house.telegram.texts(ALICE))


@pytest.mark.parametrize(
    "words, status, said",
    [
        (("show", "nonsense"), 2, "“nonsense” is no id of a dead letter"),
        (
            ("retry", "abc"),
            2,
            "“abc” is no id of a dead letter: write one as marketbell dead list shows it.\n",
        ),
        (("drop", "all", "abcdef01"), 2, "“all” stands alone: write it, or ids of dead letters.\n"),
        (("drop", "abcdef01"), 1, "No dead letter has the id “abcdef01”: marketbell dead list shows them.\n"),
        (("retry",), 2, "Missing argument"),
        (("list", "--most", "0"), 2, "Invalid value for '--most'"),
    ],
)
async def test_what_names_no_dead_letter_is_told_in_one_sentence(
    house: House, words: tuple[str, ...], status: int, said: str
) -> None:
    told = await house.dead(*words)
    assert (told.status, told.out) == (status, "")
    assert told.err.startswith(said)
    assert told.err.count("\n") == 1


async def test_where_no_marketbell_runs_that_is_said(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path)}
    process = await start("dead", "list", "--config", settings(tmp_path, ""), environ=environ)
    assert await process.ended() == 1
    assert "".join(process.err) == "No Marketbell runs here: start marketbell run.\n"
