from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from bot.clock import machine_time, steady_time
from bot.store.link import Link
from bot.store.server_clock import ServerClock

HOUR = 3_600_000


@dataclass(slots=True)
class Local:
    """A machine's clock that is wrong by so many milliseconds."""

    wrong: int = 0

    def __call__(self) -> int:
        return machine_time() + self.wrong


@dataclass(slots=True)
class Asked:
    """As much of a link as is asked for the time."""

    client: Any


@dataclass(slots=True)
class Frozen:
    """A clock that stands still."""

    now: int = 1_000

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True)
class Slow:
    """A server that says the next of some times, each after so many milliseconds."""

    clock: Frozen
    answers: list[tuple[int, int]]

    async def time(self) -> tuple[int, int]:
        late, said = self.answers.pop(0)
        self.clock.now += late
        seconds, milliseconds = divmod(said, 1000)
        return seconds, milliseconds * 1000


def told_by(clock: Frozen, answers: list[tuple[int, int]]) -> Any:
    return Asked(Slow(clock, list(answers)))


async def server_time(link: Link) -> int:
    seconds, microseconds = await link.client.time()
    return int(seconds * 1000 + microseconds // 1000)


@pytest.mark.parametrize("wrong", [0, 200, -200, HOUR, -24 * HOUR])
async def test_whatever_a_machines_clock_says_the_servers_is_believed(link: Link, wrong: int) -> None:
    clock = ServerClock(Local(wrong))
    await clock.correct(link)
    assert abs(clock() - await server_time(link)) <= 5


async def test_two_machines_that_disagree_by_a_second_agree_within_milliseconds(link: Link) -> None:
    one, other = ServerClock(Local(-500)), ServerClock(Local(500))
    await one.correct(link)
    await other.correct(link)
    assert abs(one() - other()) <= 5


async def test_of_several_answers_the_quickest_is_believed_as_of_the_middle_of_its_way() -> None:
    frozen = Frozen()
    clock = ServerClock(frozen)
    told = [(400, 50_000), (100, 60_050), (20, 70_010), (300, 90_000), (900, 99_000)]
    await clock.correct(told_by(frozen, told))
    assert clock() == 70_020 + 300 + 900


async def test_it_never_goes_back_and_is_right_again_before_long() -> None:
    frozen = Frozen()
    clock = ServerClock(frozen)
    await clock.correct(told_by(frozen, [(0, 10_000)] * 5))
    assert clock() == 10_000
    # The server is found 400 ms behind: half as fast until it is right.
    await clock.correct(told_by(frozen, [(0, 9_600)] * 5))
    seen = []
    for _ in range(10):
        frozen.now += 100
        seen.append(clock())
    assert seen == [10_050, 10_100, 10_150, 10_200, 10_250, 10_300, 10_350, 10_400, 10_500, 10_600]
    # Found 300 ms ahead: half as fast again.
    await clock.correct(told_by(frozen, [(0, 10_900)] * 5))
    assert clock() == 10_600
    frozen.now += 200
    assert clock() == 10_900
    frozen.now += 400
    assert clock() == 11_500
    # By more than a second: at once.
    await clock.correct(told_by(frozen, [(0, 15_000)] * 5))
    assert clock() == 15_000


async def test_a_local_clock_that_is_set_back_does_not_take_it_along() -> None:
    frozen = Frozen()
    clock = ServerClock(frozen)
    await clock.correct(told_by(frozen, [(0, 10_000)] * 5))
    frozen.now -= 500
    assert clock() == 10_000
    frozen.now += 600
    assert clock() == 10_100


def test_a_clock_nobody_sets_goes_on_by_itself() -> None:
    first = steady_time()
    assert steady_time() - first in range(100)


async def test_it_is_corrected_again_and_again(link: Link) -> None:
    local = Local()
    clock = ServerClock(local)
    await clock.correct(link)
    task = asyncio.create_task(clock.keep(link, lambda _event, **_facts: None, every=0.02))
    local.wrong = -10_000
    before = clock()
    async with asyncio.timeout(5):
        while clock() < before + 100 or abs(clock() - await server_time(link)) > 5:  # noqa: ASYNC110 - time
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
