"""Logs: one line a fact, to standard error, with every secret taken out at one place."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, TextIO

import structlog

Report = Callable[..., None]

_TOKENS = re.compile(r"(?:bot)?\d{6,}:[\w-]{20,}|xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=://)[^/\s@]*(?=@)")
_HIDDEN = "[secret]"
_QUIET = (
    "aiohttp",
    "apscheduler",
    "httpcore",
    "httpx",
    "peewee",
    "slack_bolt",
    "slack_sdk",
    "telegram",
    "yfinance",
)


class _Redacted(logging.Formatter):
    """What a library logs, with secrets taken out of message, arguments and traceback alike."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._hide = hide

    def format(self, record: logging.LogRecord) -> str:
        return self._hide(super().format(record))


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return what takes the known secrets, and whatever looks like a token, out of a text."""
    known = sorted({each for each in secrets if each}, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in known:
            text = text.replace(secret, _HIDDEN)
        return _TOKENS.sub(_HIDDEN, text)

    return hide


def start_logging(secrets: Iterable[str], part: str, stream: TextIO | None = None) -> Report:
    """Set up logging for this process and return what its parts report through.

    `part` names the process on each of its lines.
    """
    hide = hider(secrets)
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Redacted(hide))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)

    def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: hide(value if isinstance(value, str) else str(value)) for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.KeyValueRenderer(key_order=["at", "part", "event"], repr_native_str=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger().bind(part=part)

    def report(event: str, **facts: object) -> None:
        logger.info(event, **facts)

    return report
