"""Settings: what config.yaml may say, how it is read, and the secrets that it never holds."""

from __future__ import annotations

from bot.config.reading import read_settings
from bot.config.secrets import Secrets, read_secrets
from bot.config.settings import Settings

__all__ = ["Secrets", "Settings", "read_secrets", "read_settings"]
