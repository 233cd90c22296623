"""Pictures on their way to a channel: Slack takes a file apart from any message, then shows it."""

from __future__ import annotations

from collections.abc import Callable

from slack_sdk.errors import SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.messages.blocks import Message
from bot.platforms.slack.client import REFUSALS, UNHEARD, error_code
from bot.platforms.slack.mrkdwn import clean

_FILE = "picture.png"
_LONGEST_TITLE = 150
_LONGEST_ALT = 1000


async def show_picture(
    client: AsyncWebClient, channel: str, message: Message, report: Callable[..., None]
) -> None:
    """Show the picture of a message, if it has one, below what a channel was shown of it.

    What it adds to was said already, so a picture that is not taken is reported and not tried again.
    """
    if message.picture is None:
        return
    title = clean("".join(span.text for span in message.heading.spans))[:_LONGEST_TITLE].strip()
    try:
        await client.files_upload_v2(
            channel=channel,
            filename=_FILE,
            content=message.picture.png,
            title=title or _FILE,
            alt_txt=clean(message.picture.alt)[:_LONGEST_ALT],
        )
    except (SlackRequestError, *UNHEARD) as failure:
        report("Slack shows no picture", why=_why(failure))


def _why(failure: Exception) -> str:
    """Say what Slack said, and nothing of the addresses that it gave: whoever knows one may upload there."""
    if isinstance(failure, SlackRequestError):
        return "Slack did not take the file"
    code = error_code(failure)
    if code:
        return f"{REFUSALS[code]} ({code})" if code in REFUSALS else f"Slack says {code}"
    return f"Slack does not answer ({type(failure).__name__})"
