"""Fan out: a raised alert reaches the mailbox of every chat that asked for it, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import MachineTime
from bot.store import alerts as stored
from bot.store import outbox
from bot.store.link import Link


@dataclass(frozen=True, slots=True)
class FanOut:
    """Works off the jobs in the order in which they were raised; a crash leaves a cursor to go on from."""

    link: Link
    clock: MachineTime

    async def work_off(self) -> int:
        """Fan out every job there is; return how many there were."""
        done = 0
        while (job := await stored.next_job(self.link)) is not None:
            await self._expand(job)
            await stored.finish_job(self.link, job)
            done += 1
        return done

    async def _expand(self, job: stored.Job) -> None:
        alerts = await stored.alerts_of(self.link, job.alerts)
        pairs = [(topic, each) for each in job.alerts if each in alerts for topic in alerts[each].topics]
        cursor = outbox.START if pairs else outbox.DONE
        while cursor != outbox.DONE:
            cursor = await outbox.fan_out_chunk(self.link, job, pairs, cursor, self.clock())
