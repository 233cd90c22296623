"""What became of a message, told from how Slack answered, or did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.alerts.outcome import Again, Broken, Gone, Outcome, Refused, Slow, Unknown, asked_wait
from bot.platforms.slack.client import REFUSALS, UNREADABLE, error_code

_DIGITS = 6
_LONGEST_CODE = 60
_TOO_MANY_REQUESTS = 429
_OK = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a failed request, and what is worth a try before it is believed.

    `maybe_shown` says that Slack may have taken the message all the same; `plainer` that it may take the
    message as plain text.
    """

    outcome: Outcome
    maybe_shown: bool = False
    plainer: bool = False


_GONE = {
    "channel_not_found": "the channel does not exist, or the bot was never in it",
    "channel_is_archived": "the channel is archived",
    "is_archived": "the channel is archived",
    "is_inactive": "the channel is frozen",
    "not_in_channel": "the bot was removed from the channel",
    "user_not_found": "the user is gone",
    "user_disabled": "the user was deactivated",
    "cannot_dm_bot": "bots have no direct messages",
    "messages_tab_disabled": "the bot's messages tab is switched off",
    "restricted_action": "the workspace does not let the bot write there",
    "restricted_action_non_threadable_channel": "the workspace does not let the bot write there",
    "restricted_action_read_only_channel": "the channel is read-only",
    "restricted_action_thread_only_channel": "the channel takes only replies",
}
_PLAINER = {
    "invalid_blocks": "Slack does not take its blocks",
    "invalid_blocks_format": "Slack does not take its blocks",
    "msg_blocks_too_long": "it is too long for Slack",
    "msg_too_long": "it is too long for Slack",
    "no_text": "Slack finds nothing in it",
}
_BROKEN = {
    "invalid_metadata_format": "Slack does not take its name",
    "invalid_metadata_schema": "Slack does not take its name",
    "metadata_too_large": "Slack does not take its name",
}
_UNCHANGEABLE = {
    "message_not_found": "the message is not there any more",
    "cant_update_message": "Slack does not change it",
    "edit_window_closed": "it is too old to be changed",
    "block_mismatch": "Slack does not change it",
    "streaming_state_conflict": "Slack does not change it",
}
# Somebody at the workspace must do something about it, for every channel alike.
_SHUT = {
    "accesslimited": "this network may not call it",
    "access_denied": "the bot has no access",
    "ekm_access_denied": "its administrators have suspended posting",
    "enterprise_is_restricted": "the bot may not work there",
    "no_permission": "the bot has no permission",
    "org_login_required": "it moves to another organisation",
    "team_access_not_granted": "the bot has no access",
    "team_added_to_org": "it moves to another organisation",
    "two_factor_setup_required": "two-factor authentication must be set up",
}
# Slack says of these that a part may have been done.
_MURKY = ("fatal_error", "internal_error", "request_timeout", "service_unavailable")
_BUSY = ("external_channel_migrating", "team_not_found", "update_failed")
_SLOW_DOWN = ("rate_limited", "ratelimited")
_WORKSPACE_FULL = ("message_limit_exceeded",)

BY_CODE: dict[str, Verdict] = {
    **{code: Verdict(Gone(f"{why} ({code})")) for code, why in _GONE.items()},
    **{
        code: Verdict(Again(f"Slack refuses the token: {why} ({code})", scope="route"))
        for code, why in REFUSALS.items()
    },
    **{code: Verdict(Broken(f"{why} ({code})"), plainer=True) for code, why in _PLAINER.items()},
    **{code: Verdict(Broken(f"{why} ({code})")) for code, why in _BROKEN.items()},
    **{code: Verdict(Broken(f"{why} ({code})")) for code, why in _UNCHANGEABLE.items()},
    **{
        code: Verdict(Again(f"the workspace is shut: {why} ({code})", scope="route"))
        for code, why in _SHUT.items()
    },
    **{code: Verdict(Again(f"Slack is in trouble ({code})"), maybe_shown=True) for code in _MURKY},
    **{code: Verdict(Again(f"Slack is busy ({code})")) for code in _BUSY},
    **{
        code: Verdict(Again(f"the workspace takes no more for now ({code})", scope="route"))
        for code in _WORKSPACE_FULL
    },
    **{code: Verdict(Slow("Slack asks to slow down")) for code in _SLOW_DOWN},
}
"""What each of Slack's words comes to; a word that is not here is `Refused`."""


def judge(failure: Exception) -> Verdict | None:
    """Tell what a failed chat.postMessage came to, or None where that says nothing of it."""
    match failure:
        case SlackApiError():
            return _refused(failure)
        case (
            aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.ClientHttpProxyError()
        ):
            return Verdict(Again(f"Slack cannot be reached ({type(failure).__name__})", scope="route"))
        case aiohttp.ClientError() | TimeoutError() | OSError():
            why = f"the connection broke after the message left ({type(failure).__name__})"
            return Verdict(Unknown(why), maybe_shown=True)
    if isinstance(failure, UNREADABLE):
        return Verdict(Unknown(f"Slack's answer cannot be read ({type(failure).__name__})"), maybe_shown=True)
    return None


def _refused(failure: SlackApiError) -> Verdict:
    code, response = error_code(failure), failure.response
    # Where the body is no JSON the library hands over aiohttp's answer instead of its own.
    status = response.status if isinstance(response, aiohttp.ClientResponse) else response.status_code
    if status == _TOO_MANY_REQUESTS or code in _SLOW_DOWN:
        return Verdict(Slow("Slack asks to slow down", wait(response.headers)))
    if code:
        return BY_CODE.get(code, Verdict(Refused(f"Slack says {code[:_LONGEST_CODE]}")))
    if status == _OK and isinstance(response, aiohttp.ClientResponse):
        return Verdict(Unknown("Slack's answer cannot be read"), maybe_shown=True)
    return Verdict(Again(f"Slack answers with HTTP {status} and no word"), maybe_shown=True)


def wait(headers: Mapping[str, Any]) -> int | None:
    """Return the milliseconds that Slack wants to be left alone, read from its `Retry-After` in seconds.

    None where it does not say so in a way that can be meant.
    """
    said = str(headers.get("Retry-After", "")).strip()
    if said.isascii() and said.isdecimal() and len(said) <= _DIGITS:
        return asked_wait(int(said))
    return None
