"""Secrets come from the environment, or from the file that NAME_FILE names; settings never hold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import SettingsError

_NAMES = ("TELEGRAM_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the operator may know; nothing that prints this shows it."""

    telegram_token: str | None = field(repr=False)
    slack_bot_token: str | None = field(repr=False)
    slack_app_token: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)

    def all(self) -> tuple[str, ...]:
        """Return every secret that is set, for whoever must keep them out of sight."""
        found = (self.telegram_token, self.slack_bot_token, self.slack_app_token, self.redis_url)
        return tuple(each for each in found if each)


def read_secrets(environ: Mapping[str, str]) -> Secrets:
    """Read each secret from `NAME` or from the file `NAME_FILE`; `SettingsError` where both are set."""
    return Secrets(*(_secret(environ, name) for name in _NAMES))


def _secret(environ: Mapping[str, str], name: str) -> str | None:
    given, file = environ.get(name), environ.get(f"{name}_FILE")
    if given and file:
        raise SettingsError(f"Both {name} and {name}_FILE are set: keep one of the two.")
    if not file:
        return given or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{name}_FILE names {file}, which cannot be read: name a file that can."
        ) from error
