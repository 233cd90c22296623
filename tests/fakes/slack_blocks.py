"""What Slack takes as blocks, and how it refuses what it does not take."""

from __future__ import annotations

import json
from typing import Any

BLOCKS = 50
SECTION = 3000
HEADER = 150
TOTAL = 13_200


class Refusal(Exception):
    """One of Slack's words, with what it says besides."""

    def __init__(
        self, error: str, detail: str = "", status: int = 200, retry_after: str | None = None
    ) -> None:
        self.error, self.detail, self.status, self.retry_after = error, detail, status, retry_after


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Keep Slack's rules for blocks, one by one and together."""
    if len(blocks) > BLOCKS:
        raise Refusal("invalid_blocks", "no more than 50 items allowed [json-pointer:/blocks]")
    for at, block in enumerate(blocks):
        if fault := _block_fault(block):
            raise Refusal("invalid_blocks", f"{fault} [json-pointer:/blocks/{at}]")
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > TOTAL:
        raise Refusal("msg_blocks_too_long")


def _block_fault(block: dict[str, Any]) -> str:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": str(text)}}:
            limit = HEADER
        case {"type": "section", "text": {"type": "mrkdwn" | "plain_text", "text": str(text)}}:
            limit = SECTION
        case {"type": "context", "elements": [*elements]} if 1 <= len(elements) <= 10:
            text, limit = max((str(each.get("text", "")) for each in elements), key=len), SECTION
        case {"type": "divider"}:
            return ""
        case _:
            return "unsupported block"
    if not text.strip():
        return "must be more than 0 characters"
    return f"must be less than {limit + 1} characters" if len(text) > limit else ""


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    """Return all the text in blocks, as it was sent."""
    held = (each for block in blocks for each in (block.get("text"), *block.get("elements", ())))
    return [str(each["text"]) for each in held if each]
