"""The description of the app that Slack sets it up from: paste it where a new app is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.platforms.slack.hear import CATCH_ALL

# Slack keeps these for itself; they are asked for as `/marketbell mute`.
_TAKEN = frozenset(
    (
        "active",
        "apps",
        "archive",
        "away",
        "call",
        "close",
        "collapse",
        "dm",
        "dnd",
        "expand",
        "feed",
        "feedback",
        "huddle",
        "invite",
        "join",
        "kick",
        "leave",
        "me",
        "msg",
        "mute",
        "open",
        "part",
        "prefs",
        "remind",
        "remove",
        "rename",
        "search",
        "shortcuts",
        "shrug",
        "star",
        "status",
        "topic",
        "unarchive",
        "who",
    )
)
_LONGEST_HINT = 100

_SCOPES = (
    "app_mentions:read",
    "chat:write",
    "commands",
    # An answer may have a picture.
    "files:write",
    # A message whose connection broke is looked for among the latest, wherever the bot is.
    "channels:history",
    "groups:history",
    "im:history",
    "mpim:history",
    "metadata.message:read",
)


def manifest(menu: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the manifest with a slash command for each command that Slack lets an app have."""
    commands = [(f"/{name}", purpose) for name, purpose in menu if name not in _TAKEN]
    listed = [(CATCH_ALL, "Give the bot any command, as in /marketbell help"), *commands]
    return {
        "display_information": {
            "name": "Marketbell",
            "description": "Tells you when something matters in the market",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Marketbell", "always_online": True},
            "slash_commands": [
                {"command": command, "description": purpose[:_LONGEST_HINT], "should_escape": False}
                for command, purpose in listed
            ],
        },
        "oauth_config": {"scopes": {"bot": list(_SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": ["app_mention", "message.im"]},
            "interactivity": {"is_enabled": False},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }
