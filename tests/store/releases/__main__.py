"""Write down what the present schema's data looks like: `python -m tests.store.releases`.

The file is kept for good, so that every later release shows that it starts on it. It is written anew for as
long as the schema is the present one.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from redis.asyncio import Redis

from bot.store.keys import SCHEMA
from bot.store.link import connect
from bot.store.server import embedded
from tests.store.releases.scene import NAMESPACE, play
from tests.store.releases.stored import dump


async def written() -> str:
    """Play the scene on a server of its own, and return the sample."""
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder)) as place:
        link = await connect(place, NAMESPACE)
        raw = Redis(unix_socket_path=str(place.socket))
        try:
            renamed = await play(link)
            text = "".join(f"{line}\n" for line in await dump(raw, NAMESPACE))
        finally:
            await link.close()
            await raw.aclose()
    for was, now in renamed.items():
        text = text.replace(was, now)
    return text


if __name__ == "__main__":
    file = Path(__file__).with_name(f"{SCHEMA}.jsonl")
    file.write_text(asyncio.run(written()), encoding="utf-8")
