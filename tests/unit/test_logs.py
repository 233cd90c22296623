from __future__ import annotations

import io
import logging

import pytest

from bot.config import Secrets, read_secrets
from bot.errors import SettingsError
from bot.logs import start_logging

TELEGRAM = "123456789:AAsentinelsentinelsentinelsentinel1"
SLACK = "xoxb-1-sentinel"
REDIS = "redis://:sentinel-password@127.0.0.1:6379/0"


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


def test_a_known_secret_and_whatever_looks_like_a_token_stay_out_of_every_line(log: io.StringIO) -> None:
    report = start_logging(["hunter2-and-more"], "worker", log)
    report(
        "asked", url=f"https://api.telegram.org/bot{TELEGRAM}/getMe", why=f"{SLACK} hunter2-and-more {REDIS}"
    )
    said = log.getvalue()
    assert "event='asked'" in said
    assert "part='worker'" in said
    assert "sentinel" not in said
    assert "hunter2" not in said
    assert "127.0.0.1:6379" in said


def test_what_a_library_logs_is_cleaned_with_its_traceback(log: io.StringIO) -> None:
    start_logging([TELEGRAM], "worker", log)
    try:
        int(TELEGRAM)
    except ValueError:
        logging.getLogger("some.library").exception("failed at %s", SLACK)
    said = log.getvalue()
    assert "Traceback" in said
    assert "sentinel" not in said


def test_secrets_are_read_from_the_environment_or_a_file_and_never_shown(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "slack"
    file.write_text(f"{SLACK}\n")
    secrets = read_secrets({"TELEGRAM_TOKEN": TELEGRAM, "SLACK_BOT_TOKEN_FILE": str(file), "REDIS_URL": ""})
    assert secrets == Secrets(TELEGRAM, SLACK, None, None)
    assert "sentinel" not in f"{secrets} {secrets!r}"
    assert secrets.all() == (TELEGRAM, SLACK)


def test_a_secret_that_is_set_twice_or_whose_file_is_missing_is_refused() -> None:
    with pytest.raises(SettingsError, match="Both TELEGRAM_TOKEN and TELEGRAM_TOKEN_FILE are set"):
        read_secrets({"TELEGRAM_TOKEN": TELEGRAM, "TELEGRAM_TOKEN_FILE": "/somewhere"})
    with pytest.raises(SettingsError, match="which cannot be read"):
        read_secrets({"REDIS_URL_FILE": "/nowhere/at/all"})
