"""The command that takes an alert apart: every number of it, computed again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.alerts.alert import alert_to_json
from bot.alerts.why import Why
from bot.alerts.why import why as taken_apart
from bot.cli.options import CONFIG, Config, Home, Json, show
from bot.config import read_settings
from bot.messages.blocks import plain
from bot.messages.why import why_message
from bot.store import heard


def why(
    fingerprint: Annotated[str, typer.Argument(help="An alert's fingerprint, or how it begins.")],
    config: Config = CONFIG,
    data_dir: Home = None,
    as_json: Json = False,
) -> None:
    """Show why an alert was raised, each number computed again; exits 1 where one comes out as another."""
    found, deliveries, decisions = asyncio.run(_found(fingerprint, config, data_dir))
    said = why_message(found, deliveries, decisions=decisions)
    show(why_facts(found, deliveries, decisions) if as_json else plain(said))
    if found.disagreements:
        raise typer.Exit(1)


def why_facts(found: Why, deliveries: Mapping[str, int], decisions: Mapping[str, int]) -> dict[str, Any]:
    """Return an alert taken apart as facts: what is stored, what came out again, who heard, and how."""
    return {
        "fingerprint": found.alert.fingerprint,
        "agrees": not found.disagreements,
        "checks": [
            {"what": each.what, "stored": each.stored, "again": each.again, "agrees": each.agrees}
            for each in found.checks
        ],
        "steps": [{"pct": each.pct, "level": each.level, "stand": each.stand} for each in found.steps],
        "parts": [
            {
                "text": each.part.text,
                "value": each.part.value,
                "threshold": each.threshold,
                "holds": each.part.holds,
                "unknown": each.part.unknown,
                "again": each.again,
            }
            for each in found.parts
        ],
        "deliveries": dict(deliveries),
        "decisions": dict(decisions),
        "alert": json.loads(alert_to_json(found.alert)),
    }


async def _found(
    fingerprint: str, config: Path, data_dir: Path | None
) -> tuple[Why, Mapping[str, int], Mapping[str, int]]:
    from bot.app.start import Home, visiting
    from bot.store.keys import LIVE

    home = Home.usual() if data_dir is None else Home(data_dir)
    async with visiting(read_settings(config), home.of(LIVE), instead="") as parts:
        alert = await heard.find(parts.link, fingerprint)
        counted = await heard.deliveries(parts.link, alert.fingerprint)
        return taken_apart(alert), counted, await heard.decisions(parts.link, alert)
