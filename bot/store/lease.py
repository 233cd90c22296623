"""The worker's lease: one active worker, and an epoch that fences the ones before."""

from __future__ import annotations

from bot.store.link import Link


async def hold(link: Link, token: str, now: int, deadline: int) -> int:
    """Take or renew the lease until `deadline`; return the epoch, or 0 while another worker holds it.

    Times are machine time in milliseconds. Raises `Away` when the server does not answer.
    """
    epoch = await link.run("lease", [link.keys.lease(), link.keys.epoch()], [token, now, deadline])
    return int(epoch)
