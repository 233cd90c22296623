"""Everything that Marketbell refuses or cannot do, as one tree.

::

    MarketbellError                  one sentence for a person; exit status 1
    ├── UnknownSymbol                no such instrument; names the nearest
    ├── NotKnown                     the number asked for cannot be said, and why
    ├── Away                         a server, a worker or a platform that is not there
    │   └── GoneForGood              a feed that will not come back, by its server's own word
    ├── Refused                      the asker may not do this here
    └── UsageError                   the person must change something first; exit status 2
        ├── SettingsError            config.yaml, by file and line
        ├── DataError                a data folder or one row of it
        ├── GrammarError             a rule's text, with the place of the mistake
        └── WrongServer              a Redis or a token that answers, but is not usable

The message of an error is the sentence that is shown: what is wrong and what to write instead.
"""

from __future__ import annotations


class MarketbellError(Exception):
    """A failure with one clear sentence for the person who sees it."""

    exit_status = 1


class UnknownSymbol(MarketbellError):
    """Nothing is called that; the sentence names what comes nearest."""


class NotKnown(MarketbellError):
    """A number that cannot be said, with the reason in plain words."""


class Away(MarketbellError):
    """A part that is needed and does not answer now; it may later."""


class GoneForGood(Away):
    """A feed that is no more: it need not be asked again."""


class Refused(MarketbellError):
    """The asker's role does not allow this."""


class UsageError(MarketbellError):
    """Something that the person must write differently before anything can run."""

    exit_status = 2


class SettingsError(UsageError):
    """A mistake in the settings, by file, line and remedy."""


class DataError(UsageError):
    """A data folder or a row of it that cannot be read as bars."""


class GrammarError(UsageError):
    """A rule's text that does not parse, with a caret under the place."""


class WrongServer(UsageError):
    """A server or token that answers but cannot be used as it is set up."""
