"""Yahoo through yfinance's own session: its cookies, its crumb, its browser's fingerprint.

Loading this module loads yfinance and pandas, two seconds and 100 MB; only the thread that waits for Yahoo
does so.
"""

# yfinance has no public way to begin its cookie jar afresh.
# ruff: noqa: SLF001

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import HTTPError, RequestException
from yfinance import cache as yfinance_cache
from yfinance.data import YfData

from bot.sources.yahoo_failure import Changed, Limited, Missing, Silent, Unwelcome, YahooFailure
from bot.sources.yahoo_parse import part_of

_UNWELCOME = frozenset({401, 403})
_LIMITED = frozenset({429, 999})
_NOT_FOUND = 404
_SERVER_FAILS = 500
_LONGEST_REQUEST = 8.0


class YahooClient:
    """One connection to Yahoo, for one thread.

    `base_url` stands in for every one of Yahoo's hosts, whose name becomes the first part of the path.
    `cache` is a private folder where yfinance keeps its cookie. Raises `Silent` where it cannot be made.
    """

    def __init__(self, base_url: str | None, cache: Path) -> None:
        try:
            self._jar = _settle_cache(cache)
        except OSError as error:
            why = f"{error.strerror or error}".lower()
            raise Silent(f"cannot be asked, as its cookies cannot be kept in {cache} ({why})") from error
        self._cache = cache
        self._session = _Session(base_url)
        # YfData makes one instance a process, and with it one lock that a hung request holds for ever. So we
        # go round its metaclass: every client has its own, and tests do not share a crumb.
        self._yahoo: Any = type.__call__(YfData, session=self._session)

    def get(self, url: str, params: dict[str, str], spend: Callable[[], None]) -> Any:
        """Return a JSON answer; raises a `YahooFailure` where there is none.

        `spend` is called before every request that this takes, and may raise instead of letting it go.
        """
        self._session.asks(url, spend)
        try:
            return self._yahoo.get_raw_json(url, params=params, timeout=_LONGEST_REQUEST)
        except YahooFailure:
            raise
        except HTTPError as error:
            status = _status_of(error)
            if status in _UNWELCOME:
                # A cookie that gets no crumb would get none after a restart either.
                _forget(self._cache)
                raise Unwelcome("limits our requests") from error
            raise Changed(f"answered with status {status}") from error
        except RequestException as error:
            raise Silent("does not answer") from error
        except ValueError as error:
            raise Changed("answered with something that is not JSON") from error
        except Exception as error:
            # Whatever yfinance kept may be what it stumbles over, so it does not get it again.
            _forget(self._cache)
            raise Unwelcome(
                f"answered in a way that yfinance does not know ({type(error).__name__})"
            ) from error

    def give_up(self) -> None:
        """Send nothing more; the request under way ends by itself."""
        self._session.given_up = True

    def close(self) -> None:
        """Close the connections and this thread's hold on yfinance's file."""
        self._session.close()
        self._jar.close()


class _Session(Session[Response]):
    """Counts what it sends, sends it to where Yahoo is for us, and takes a refusal for one."""

    def __init__(self, base_url: str | None) -> None:
        super().__init__(impersonate="chrome")
        self._base_url = base_url
        self._asked = ""
        self._spend: Callable[[], None] = lambda: None
        self.given_up = False

    def asks(self, url: str, spend: Callable[[], None]) -> None:
        """Take note of what is asked for from now on, and who counts it."""
        self._asked, self._spend = url, spend

    def request(self, method: Any, url: str, *args: Any, **more: Any) -> Response:
        if self.given_up:
            raise Silent("did not answer in time")
        self._spend()
        # yfinance asks for its crumb with a patience of its own, half a minute.
        more["timeout"] = _LONGEST_REQUEST
        answer = super().request(method, self._place(url), *args, **more)
        self._heed(url, answer)
        return answer

    def _heed(self, url: str, answer: Response) -> None:
        """Raise for what no other cookie would mend: yfinance would ask for one and then once more."""
        status = answer.status_code
        if status in _LIMITED:
            raise Limited("limits our requests")
        if url != self._asked:
            return
        if status == _NOT_FOUND:
            raise _missing(answer)
        if status >= _SERVER_FAILS:
            raise Silent(f"answers with error {status}")

    def _place(self, url: str) -> str:
        if self._base_url is None or url.startswith(self._base_url):
            return url
        there, parts = urlsplit(self._base_url), urlsplit(url)
        path = f"{there.path.rstrip('/')}/{parts.hostname}{parts.path}"
        return urlunsplit((there.scheme, there.netloc, path, parts.query, ""))


def _missing(answer: Response) -> YahooFailure:
    """Tell an instrument that Yahoo does not have from an address that it does not know any more."""
    try:
        part_of(json.loads(answer.content), "chart", "result")
    except Missing as missing:
        return missing
    except (Changed, ValueError):
        pass
    return Changed("answered with status 404")


def _status_of(error: HTTPError) -> int:
    return int(getattr(error.response, "status_code", 0))


def _settle_cache(cache: Path) -> Any:
    """Point yfinance's cookie jar, which is the whole process's, at `cache`; return its database."""
    if not cache.is_dir():
        cache.unlink(missing_ok=True)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.chmod(0o700)  # it may have been there; what yfinance keeps is a pickle
    yfinance_cache.set_cache_location(str(cache))
    # yfinance holds on to the first file that it opened, wherever its cache is moved.
    yfinance_cache._CookieCacheManager._Cookie_cache = None
    try:
        yfinance_cache.get_cookie_cache().lookup("curlCffi")
    except Exception:  # noqa: BLE001 - a damaged file fails in as many ways as there are damages
        _forget(cache)
    return yfinance_cache._CookieDBManager.get_database()


def _forget(cache: Path) -> None:
    yfinance_cache._CookieDBManager.close_db()
    yfinance_cache._CookieCacheManager._Cookie_cache = None
    yfinance_cache._CookieDBManager._db = None
    for found in cache.glob("cookies.db*"):
        if found.is_dir():
            rmtree(found, ignore_errors=True)
        with suppress(OSError):
            found.unlink(missing_ok=True)
