"""The one address of a story that reaches us under several."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
# What newsletters, advertisements and social networks add to find out who sent a reader.
_TRACKING = frozenset(
    {
        "cmpid", "dclid", "fbclid", "ftag", "gbraid", "gclid", "gclsrc", "guccounter", "guce_referrer",
        "guce_referrer_sig", "igshid", "mc_cid", "mc_eid", "mkt_tok", "msclkid", "ncid", "oly_anon_id",
        "oly_enc_id", "s_cid", "sref", "srnd", "twclid", "ttclid", "vero_id", "wbraid", "yclid", "_ga", "_gl",
        "_hsenc", "_hsmi", "spm", "taid", "trk",
    }
)  # fmt: skip
# Some feeds write letters beyond ASCII as they are, some as percent signs.
_AS_IT_IS = "/?:@!$&'()*+,;=~-._%[]"
_TRACKING_FAMILY = re.compile(r"(?:utm|at|pk|hsa|mtm|piwik|matomo)_")


def canonical(address: str) -> str:
    """Return what all addresses of one story have in common, or nothing for what is no address of the web.

    It tells stories apart and still leads to the story: https wherever the port leaves the choice, the host
    in lower case, no default port, no closing slash, no fragment, and of the query what does not track the
    reader, in its order.
    """
    try:
        parts = urlsplit(address.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not host:
        return ""
    place = f"[{host}]" if ":" in host else host
    scheme = "https"
    if port is not None and port != _PORTS[parts.scheme]:
        scheme, place = parts.scheme, f"{place}:{port}"
    path = quote(parts.path.rstrip("/"), safe=_AS_IT_IS)
    kept = "&".join(each for each in parts.query.split("&") if each and not _tracks(each))
    return urlunsplit((scheme, place, path, quote(kept, safe=_AS_IT_IS), ""))


def _tracks(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in _TRACKING or _TRACKING_FAMILY.match(name) is not None
