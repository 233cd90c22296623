"""Yahoo through yfinance's own session: its cookies, its crumb, its browser's fingerprint.

Loading this module loads yfinance and pandas, two seconds and 100 MB; only the thread that waits for Yahoo
does so.
"""

# yfinance has no public way to begin its cookie jar afresh.
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import HTTPError, RequestException
from yfinance import cache as yfinance_cache
from yfinance.data import YfData
from yfinance.exceptions import YFRateLimitError

from bot.sources.yahoo_failure import Changed, Limited, Missing, Silent, YahooFailure

_REFUSED = frozenset({401, 403, 429, 999})
_NOT_FOUND = 404
_SERVER_FAILS = 500
_LONGEST_REQUEST = 8.0


class YahooClient:
    """One connection to Yahoo, for one thread.

    `base_url` stands in for every one of Yahoo's hosts, whose name becomes the first part of the path.
    `spend` is called before every request and may raise instead of letting it go. `cache` is a private folder
    where yfinance keeps its cookie.
    """

    def __init__(self, base_url: str | None, spend: Callable[[], None], cache: Path) -> None:
        self._jar = _settle_cache(cache)
        self._cache = cache
        self._session = _Session(base_url, spend)
        # YfData makes one instance a process, and with it one lock that a hung request holds for ever. So we
        # go round its metaclass: every client has its own, and tests do not share a crumb.
        self._yahoo: Any = type.__call__(YfData, session=self._session)

    def get(self, url: str, params: dict[str, str]) -> Any:
        """Return a JSON answer; raises a `YahooFailure` where there is none."""
        try:
            return self._yahoo.get_raw_json(url, params=params, timeout=_LONGEST_REQUEST)
        except YahooFailure:
            raise
        except YFRateLimitError as error:
            raise Limited("limits our requests") from error
        except HTTPError as error:
            if _status_of(error) in _REFUSED:
                # A cookie that gets no crumb would get none after a restart either.
                _forget(self._cache)
            raise _failure_of(error) from error
        except RequestException as error:
            raise Silent("does not answer") from error
        except ValueError as error:
            raise Changed("answered with something that is not JSON") from error
        except Exception as error:
            # Whatever yfinance kept may be what it stumbles over, so it does not get it again.
            _forget(self._cache)
            raise Changed(
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
    """Counts what it sends, and sends it to where Yahoo is for us."""

    def __init__(self, base_url: str | None, spend: Callable[[], None]) -> None:
        super().__init__(impersonate="chrome")
        self._base_url = base_url
        self._spend = spend
        self.given_up = False

    def request(self, method: Any, url: str, *args: Any, **more: Any) -> Response:
        if self.given_up:
            raise Silent("did not answer in time")
        self._spend()
        # yfinance asks for its crumb with a patience of its own, half a minute.
        more["timeout"] = _LONGEST_REQUEST
        return super().request(method, self._place(url), *args, **more)

    def _place(self, url: str) -> str:
        if self._base_url is None or url.startswith(self._base_url):
            return url
        there, parts = urlsplit(self._base_url), urlsplit(url)
        path = f"{there.path.rstrip('/')}/{parts.hostname}{parts.path}"
        return urlunsplit((there.scheme, there.netloc, path, parts.query, ""))


def _status_of(error: HTTPError) -> int:
    return int(getattr(error.response, "status_code", 0))


def _failure_of(error: HTTPError) -> YahooFailure:
    status = _status_of(error)
    if status in _REFUSED:
        return Limited("limits our requests")
    if status == _NOT_FOUND:
        return Missing("has no such instrument")
    if status >= _SERVER_FAILS:
        return Silent(f"answers with error {status}")
    return Changed(f"answered with status {status}")


def _settle_cache(cache: Path) -> Any:
    """Point yfinance's cookie jar, which is the whole process's, at `cache`; return its database."""
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
    for file in cache.glob("cookies.db*"):
        with suppress(OSError):
            file.unlink()
