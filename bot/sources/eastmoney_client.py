"""Eastmoney through efinance: its functions, and its session taught to keep to our limits.

Loading this module loads efinance, and pandas with it; only the thread that waits for Eastmoney does so.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidJSONError, RequestException

from bot.sources.yahoo_failure import Changed, Limited, Silent, YahooFailure

# As it is loaded, efinance hangs an advertisement on the interpreter's last words, and what comes along with
# it lets every warning of the process through. Neither is its business.
_last_words = sys.excepthook
with warnings.catch_warnings():
    from efinance import common
    from efinance.shared import session as _session
sys.excepthook = _last_words

Row = Mapping[str, Any]

_OK = 200
_REFUSED = frozenset({401, 403, 429, 456})
_SERVER_FAILS = 500
_LONGEST_REQUEST = 4.0
_AS_TRADED = 0
# A row that efinance stumbles over is looked for by halves: fifteen requests find one among a hundred.
_MOST_REQUESTS = 16


class EastmoneyClient:
    """One connection to Eastmoney, for one thread.

    `base_url` stands in for every one of its hosts, whose name becomes the first part of the path. `spend` is
    called before every request and may raise instead of letting it go.
    """

    def __init__(self, base_url: str | None, spend: Callable[[], None]) -> None:
        # efinance has one session a process, and its functions know no other.
        self._door = _Door(base_url, spend)
        for scheme in ("http://", "https://"):
            _session.mount(scheme, self._door)

    def quotes(self, ids: tuple[str, ...]) -> tuple[list[Row], list[str]]:
        """Return the rows of `ids`, and those whose rows efinance cannot read; raises a `YahooFailure`.

        One such row fails the whole answer, so what fails is asked again by halves; what that leaves unasked
        is in neither.
        """
        rows: list[Row] = []
        unread: list[str] = []
        waiting = [ids]
        for _ in range(_MOST_REQUESTS):
            if not waiting:
                return rows, unread
            some = waiting.pop()
            try:
                rows += _ask(partial(common.get_latest_quote, list(some)))
            except _Unread:
                middle = len(some) // 2
                waiting += [some[:middle], some[middle:]] if middle else []
                unread += [] if middle else some
        if rows:
            return rows, unread
        raise Changed("answered in a way that efinance does not know")

    def bars(self, quote_id: str, begin: str) -> list[Row]:
        """Return the daily bars since `begin`, written 20220323, as traded; raises a `YahooFailure`."""
        try:
            return _ask(
                lambda: common.get_quote_history(quote_id, beg=begin, fqt=_AS_TRADED, quote_id_mode=True)
            )
        except _Unread as error:
            raise Changed("answered in a way that efinance does not know") from error

    def give_up(self) -> None:
        """Send nothing more; the request under way ends by itself."""
        self._door.given_up = True

    def close(self) -> None:
        """Close the connections."""
        self._door.close()


class _Unread(Exception):
    """Eastmoney answered, and efinance stumbled over the answer."""


def _ask(call: Callable[[], Any]) -> list[Row]:
    try:
        return list(call().to_dict("records"))
    except YahooFailure:
        raise
    except InvalidJSONError as error:
        raise Changed("answered with something that is not JSON") from error
    except RequestException as error:
        raise Silent("does not answer") from error
    except Exception as error:
        raise _Unread from error


class _Door(HTTPAdapter):
    """Lets efinance's requests out: counted, in good time, and to where Eastmoney is for us."""

    def __init__(self, base_url: str | None, spend: Callable[[], None]) -> None:
        super().__init__(max_retries=0)
        self._base_url = base_url
        self._spend = spend
        self.given_up = False

    def send(self, request: PreparedRequest, *args: Any, **more: Any) -> Response:
        if self.given_up:
            raise Silent("did not answer in time")
        self._spend()
        request.url = self._place(str(request.url))
        # efinance waits for three minutes, and asks for bars without looking at the certificate.
        more |= {"timeout": _LONGEST_REQUEST, "verify": True}
        answer = super().send(request, *args, **more)
        if answer.status_code == _OK:
            return answer
        answer.close()
        raise _failure_of(answer.status_code)

    def _place(self, url: str) -> str:
        parts = urlsplit(url)
        if self._base_url is None:
            # Some of efinance's addresses are older than Eastmoney's certificate.
            return urlunsplit(parts._replace(scheme="https"))
        there = urlsplit(self._base_url)
        path = f"{there.path.rstrip('/')}/{parts.hostname}{parts.path}"
        return urlunsplit((there.scheme, there.netloc, path, parts.query, ""))


def _failure_of(status: int) -> YahooFailure:
    if status in _REFUSED:
        return Limited("limits our requests")
    if status >= _SERVER_FAILS:
        return Silent(f"answers with error {status}")
    return Changed(f"answered with status {status}")
