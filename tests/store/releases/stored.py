"""A namespace as a small text file: a line a key, with its type, its value and how long it is kept."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from typing import Any

_A_MINUTE_MS = 60_000
_AT_ONCE = 1000


async def dump(client: Any, namespace: str) -> list[str]:
    """Return the lines of a namespace, in the order of its keys; what is kept for a time in whole minutes.

    `client` answers in bytes: some of what is kept is no text.
    """
    keys = sorted([key async for key in client.scan_iter(match=f"{namespace}:*", count=_AT_ONCE)])
    lines: list[str] = []
    for key in keys:
        kind = _written(await client.type(key))
        left = await client.pttl(key)
        line: dict[str, Any] = {"key": _written(key), "type": kind, "value": await _value(client, kind, key)}
        if left > 0:
            line["minutes"] = math.ceil(left / _A_MINUTE_MS)
        lines.append(json.dumps(line, ensure_ascii=False))
    return lines


async def load(client: Any, lines: Iterable[str]) -> None:
    """Put what lines say into an empty server."""
    for text in lines:
        line = json.loads(text)
        await _put(client, line["type"], line["key"], line["value"])
        if "minutes" in line:
            await client.pexpire(line["key"], line["minutes"] * _A_MINUTE_MS)


async def _value(client: Any, kind: str, key: bytes) -> Any:
    match kind:
        case "string":
            return _written(await client.get(key))
        case "list":
            return [_written(each) for each in await client.lrange(key, 0, -1)]
        case "set":
            return sorted(_written(each) for each in await client.smembers(key))
        case "zset":
            found = await client.zrange(key, 0, -1, withscores=True)
            return [[_written(member), score] for member, score in found]
        case "hash":
            held = await client.hgetall(key)
            return dict(sorted((_written(name), _written(value)) for name, value in held.items()))
        case "stream":
            entries = await client.xrange(key)
            return [
                [_written(place), {_written(name): _written(value) for name, value in fields.items()}]
                for place, fields in entries
            ]
    raise ValueError(f"Nothing is kept as a {kind}.")


async def _put(client: Any, kind: str, key: str, value: Any) -> None:
    match kind:
        case "string":
            await client.set(key, _read(value))
        case "list":
            await client.rpush(key, *map(_read, value))
        case "set":
            await client.sadd(key, *map(_read, value))
        case "zset":
            await client.zadd(key, {_read(member): score for member, score in value})
        case "hash":
            await client.hset(key, mapping={name: _read(each) for name, each in value.items()})
        case "stream":
            for place, fields in value:
                await client.xadd(key, {name: _read(each) for name, each in fields.items()}, id=place)
        case _:
            raise ValueError(f"Nothing is kept as a {kind}.")


# What is no text begins with a byte that no text of ours begins with.
_PACKED = "\0"


def _written(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = _PACKED
    return _PACKED + base64.b64encode(value).decode() if text.startswith(_PACKED) else text


def _read(text: str) -> bytes:
    return base64.b64decode(text[1:]) if text.startswith(_PACKED) else text.encode()
