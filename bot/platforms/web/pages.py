"""The templates of the page, in which everything that is put in is cleaned and escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.platforms.web.text import clean

STATIC = Path(__file__).parent / "static"


def templates() -> Environment:
    """Return the templates; one that asks for what it was not given fails at once."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _cleaned(value: Any) -> Any:
    is_markup = hasattr(value, "__html__")
    return clean(value) if isinstance(value, str) and not is_markup else value
