"""The ways in which a request to Yahoo fails, told apart because each is waited out differently."""

from __future__ import annotations


class YahooFailure(Exception):
    """A request to Yahoo that brought nothing; the text goes on from "Yahoo"."""


class Limited(YahooFailure):
    """Yahoo will not serve us for now: too many requests, or a crumb that it refuses."""


class Unwelcome(Limited):
    """Yahoo refuses what we show it, a cookie or a crumb, which may have had its day."""


class Silent(YahooFailure):
    """Yahoo did not answer, or its servers failed."""


class Changed(YahooFailure):
    """Yahoo answered in a form that we do not know."""


class Missing(YahooFailure):
    """Yahoo answered that it has no such thing."""


class Spent(YahooFailure):
    """Our own budget of requests is used up, so nothing was sent."""
