"""Pictures for chats, by real children."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.charts import Pictures
from bot.messages.pictures import alt_of
from tests.charts.facts import LADDER, NEVER
from tests.conftest import ROOT


@dataclass(slots=True)
class Log:
    said: list[str] = field(default_factory=list)

    def report(self, said: str, **facts: object) -> None:
        self.said.append(f"{said}: {facts['why']}")


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def pictures(log: Log) -> AsyncIterator[Pictures]:
    pictures = Pictures(log.report)
    yield pictures
    await pictures.close()
    assert running() == []


def running(parent: int | None = None) -> list[int]:
    """The children of a process that draw, without those that ended and only wait to be taken note of."""
    found = []
    for threads in Path(f"/proc/{parent or os.getpid()}/task").glob("*/children"):
        found += [each for each in map(int, threads.read_text().split()) if is_alive(each)]
    return [each for each in found if b"bot.charts" in Path(f"/proc/{each}/cmdline").read_bytes()]


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is awaited happens in another process
            await asyncio.sleep(0.01)


async def test_a_picture_comes_with_the_words_for_who_does_not_see_it(pictures: Pictures, log: Log) -> None:
    picture = await pictures.backtest(LADDER)
    assert picture is not None
    assert picture.png.startswith(b"\x89PNG")
    assert picture.alt == alt_of(LADDER)
    assert log.said == []


async def test_nobody_draws_before_somebody_asks_and_one_child_draws_for_all(pictures: Pictures) -> None:
    assert running() == []
    drawn = await asyncio.gather(*(pictures.backtest(each) for each in (LADDER, NEVER, LADDER, NEVER)))
    assert len(running()) == 1
    assert len({each.png for each in drawn if each}) == 2


async def test_what_was_drawn_before_is_not_drawn_again(pictures: Pictures) -> None:
    first = await pictures.backtest(LADDER)
    (child,) = running()
    os.kill(child, signal.SIGSTOP)
    assert await pictures.backtest(replace(LADDER)) == first


async def test_pictures_that_are_kept_are_bounded(log: Log) -> None:
    pictures = Pictures(log.report, most=150_000)
    begun = [await pictures.backtest(replace(NEVER, rule=f"0700.HK below {at}")) for at in range(4)]
    assert all(begun)
    (child,) = running()
    os.kill(child, signal.SIGKILL)
    pictures.command = ("/nowhere",)
    assert await pictures.backtest(replace(NEVER, rule="0700.HK below 3")) == begun[3]
    assert await pictures.backtest(replace(NEVER, rule="0700.HK below 0")) is None
    await pictures.close()


async def test_a_child_that_nobody_asks_for_a_while_ends_and_the_next_takes_its_place(log: Log) -> None:
    pictures = Pictures(log.report, idle=0.2)
    assert await pictures.backtest(LADDER) is not None
    (first,) = running()
    await until(lambda: not is_alive(first))
    assert await pictures.backtest(NEVER) is not None
    assert running() not in ([], [first])
    await pictures.close()
    assert log.said == []


async def test_a_child_that_was_killed_in_its_sleep_costs_no_picture(pictures: Pictures, log: Log) -> None:
    await pictures.backtest(LADDER)
    (child,) = running()
    os.kill(child, signal.SIGKILL)
    await until(lambda: not is_alive(child))
    assert await pictures.backtest(NEVER) is not None
    assert log.said == []


async def test_a_child_that_hangs_is_killed_in_time_and_the_log_says_so(pictures: Pictures, log: Log) -> None:
    await pictures.backtest(LADDER)
    (child,) = running()
    os.kill(child, signal.SIGSTOP)
    pictures.within = 0.3
    began = time.monotonic()
    assert await pictures.backtest(NEVER) is None
    assert time.monotonic() - began < 2
    await until(lambda: not is_alive(child))
    assert log.said == ["a picture was not drawn: it took longer than 0.3 s"]
    pictures.within = 10
    assert await pictures.backtest(NEVER) is not None


async def test_who_waits_behind_a_child_that_hangs_waits_no_longer_than_its_own_time(log: Log) -> None:
    pictures = Pictures(log.report, within=0.4, command=(sys.executable, "-c", "import time; time.sleep(60)"))
    began = time.monotonic()
    asked = [pictures.backtest(replace(NEVER, rule=f"0700.HK below {at}")) for at in range(5)]
    assert await asyncio.gather(*asked) == [None] * 5
    assert time.monotonic() - began < 3
    await pictures.close()


async def test_who_gives_up_leaves_no_answer_for_the_next(pictures: Pictures) -> None:
    wanted = await pictures.backtest(NEVER)
    given_up = asyncio.create_task(pictures.backtest(LADDER))
    await asyncio.sleep(0.05)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    other = await pictures.backtest(replace(NEVER, per_year=1.0))
    assert wanted is not None
    assert other is not None
    # Without alerts the picture does not say how often, so the two are alike.
    assert other.png == wanted.png


@pytest.mark.parametrize(
    "script, why",
    [
        ("print('no picture at all')", "what the drawing process answers is no picture"),
        ("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\5EOops')", "Oops"),
        ("import sys; sys.exit(3)", "IncompleteReadError: 0 bytes read on a total of 4 expected bytes"),
    ],
)
async def test_a_child_that_answers_with_no_picture_costs_only_the_picture(
    log: Log, script: str, why: str
) -> None:
    read = "import sys; sys.stdin.buffer.read(100);"
    pictures = Pictures(log.report, command=(sys.executable, "-c", read + script))
    assert await pictures.backtest(NEVER) is None
    assert log.said == [f"a picture was not drawn: {why}"]
    await pictures.close()


async def test_facts_that_make_no_picture_leave_the_child_at_work(pictures: Pictures, log: Log) -> None:
    assert await pictures.backtest(replace(LADDER, closes=(1.0,))) is None
    assert await pictures.backtest(replace(LADDER, closes=(float("nan"),))) is None
    refused, unwritten = log.said
    assert refused == "a picture was not drawn: a line needs from 2 to 50,000 sessions with a close each"
    assert unwritten.startswith("a picture was not drawn: ValueError: Out of range float values")
    (child,) = running()
    assert await pictures.backtest(LADDER) is not None
    assert running() == [child]


async def test_a_child_dies_with_the_process_that_started_it() -> None:
    script = (
        "import asyncio\n"
        "from bot.charts import Pictures\n"
        "from tests.charts.facts import LADDER\n"
        "async def run():\n"
        "    await Pictures(print).backtest(LADDER)\n"
        "    print('drawn', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"drawn\n"
    (child,) = running(parent.pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not is_alive(child))
