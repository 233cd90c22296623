from __future__ import annotations

import re
from importlib.resources import files

import pytest
from redis.crc import key_slot

from bot.store.keys import Keys
from bot.store.link import Link
from tests.cast import ALICE

KEYS = Keys("live")
ROUTE = ALICE.route

SCRIPTS = {
    "raise": [KEYS.epoch(), KEYS.jobs(), KEYS.recent(), KEYS.ladder("r", "HSTECH"), KEYS.alert("f"),
              KEYS.told_story("s"), KEYS.own_ladder("HSTECH")],
    "rename": [KEYS.ladder("r", "HSTECH"), KEYS.own_ladder("HSTECH")],
    "lease": [KEYS.lease(), KEYS.epoch()],
    "fan_out": [KEYS.fan("job"), KEYS.chats, KEYS.due(ROUTE), KEYS.wake(ROUTE), KEYS.box("c"),
                KEYS.ledger("f")],
    "claim": [KEYS.due(ROUTE), KEYS.claims(), KEYS.box("c"), KEYS.ledger("f")],
    "begin": [KEYS.claims(), KEYS.subscriptions("c"), KEYS.ledger("f"), KEYS.counts()],
    "settle": [KEYS.claims(), KEYS.due(ROUTE), KEYS.wake(ROUTE), KEYS.box("c"),
               KEYS.ledger("f"), KEYS.dead(), KEYS.chat("c"), KEYS.growing("c")],
    "release": [KEYS.claims(), KEYS.due(ROUTE)],
    "own": [KEYS.own_slots(), KEYS.own_free(), KEYS.own_of("c"), KEYS.own_names(), KEYS.own_general(),
            KEYS.own_changed(), KEYS.own_changes(), KEYS.own_texts(0), KEYS.own_rows(0)],
    "take": [KEYS.bucket(ROUTE)],
    "subscribe": [KEYS.subscriptions("c"), f"{KEYS.chats}sub:all", f"{KEYS.chats}joins"],
    "move": [KEYS.claims(), KEYS.due(ROUTE), f"{KEYS.chats}joins", KEYS.box("c"), KEYS.subscriptions("c")],
    "pay": [KEYS.pace()],
    "replace": [KEYS.page("s"), KEYS.page_marks("s")],
    "show": [KEYS.page("s"), KEYS.page_marks("s")],
}  # fmt: skip


def texts() -> dict[str, str]:
    folder = files("bot.store").joinpath("scripts")
    return {
        each.name.removesuffix(".lua"): each.read_text()
        for each in folder.iterdir()
        if each.name.endswith(".lua")
    }


def test_every_script_is_known_here() -> None:
    assert SCRIPTS.keys() == texts().keys()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_keys_of_a_script_share_a_slot(script: str) -> None:
    assert len({key_slot(key.encode()) for key in SCRIPTS[script]}) == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_asks_the_server_for_the_time(script: str) -> None:
    assert re.search(r"'(TIME|PTTL|TTL|PEXPIRE|OBJECT)'|'PX'", texts()[script]) is None


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_makes_keys_only_from_the_prefix_of_its_slot(script: str) -> None:
    called = re.findall(r"redis\.call\(\s*'\w+',\s*([^,)]+)", texts()[script])
    assert called
    for key in called:
        assert re.match(r"KEYS\[|prefix \.\. |ladder|alert|ledger|box|held", key.strip()), key


def test_a_namespace_has_no_key_of_another() -> None:
    live, replay = Keys("live"), Keys("replay-1")
    for name in ("jobs", "claims", "counts", "quotes", "facts", "epoch"):
        assert getattr(live, name)() != getattr(replay, name)()


@pytest.mark.parametrize("name", ["\r\n", "{}", "*", "a:b", "小米", "x" * 5000])
async def test_a_name_from_outside_cannot_leave_its_key(link: Link, name: str) -> None:
    key = link.keys.once(name)
    assert re.fullmatch(r"[\w{}:-]+", key)
    await link.client.set(key, name)
    assert await link.client.get(key) == name
