"""The words that conditions are written in, English and Chinese, by what they mean to the grammar.

Chinese is listed in simplified script; `SIMPLER` brings the other to it, sign by sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # comparing
        "GT": (
            "above", "over", "at least", "more than", "reaches", "reach", "hits", "exceeds",
            "greater than", "rises above", "rises over", "rises to", "climbs above", "climbs to",
            "breaks above", "goes above", "crosses above", "crosses over", "crosses up",
            "no less than", "not below",
            "高于", "升破", "涨破", "突破", "超过", "大于", "不低于", "至少", "上穿",
            "涨到", "涨至", "升到", "升至",
        ),
        "LT": (
            "below", "under", "at most", "less than", "fewer than", "no more than",
            "not above", "falls below", "falls under", "falls to", "drops below", "drops under",
            "drops to", "breaks below", "goes below", "crosses below", "crosses under", "crosses down",
            "低于", "跌破", "小于", "不高于", "至多", "下穿", "跌到", "跌至", "失守",
        ),
        "UP": (
            "up", "rises", "rise", "gains", "gain", "climbs", "jumps", "rallies",
            "涨", "上涨", "升", "上升", "涨超", "涨逾", "升逾", "升超", "涨幅",
        ),
        "DOWN": (
            "down", "falls", "fall", "drops", "drop", "loses", "declines", "slides",
            "跌", "下跌", "跌超", "跌逾", "跌幅",
        ),
        "EITHER_WAY": ("plus or minus", "either way", "涨跌", "涨跌幅"),
        "PERCENT": ("percent", "per cent", "pct"),
        "TIMES": ("x", "times", "倍"),
        "SIGMA": ("sigma", "sigmas", "σ", "stdev"),
        # measures
        "PRICE": ("price", "last price", "level", "股价", "价格", "现价", "点位"),
        "DAY": ("day", "day change", "day move", "today", "on the day", "日内", "当日", "今日", "当天"),
        "CHANGE": ("change", "变动", "变化"),
        "SINCE_TOLD": ("since told", "since last told", "since the last alert"),
        "COST": ("cost", "my cost", "my price", "成本", "成本价"),
        "OFF_LOW": ("off low", "off its low", "above low", "距低位", "距低点", "离低位", "较低位", "反弹"),
        "DRAWDOWN": (
            "drawdown", "below peak", "off peak", "off high", "off its high", "from peak",
            "回撤", "距高位", "距高点", "较高位",
        ),
        "NEW_LOW": ("new low", "新低", "创新低"),
        "NEW_HIGH": ("new high", "new peak", "新高", "创新高"),
        "NEW": ("new", "创"),
        "LOW": ("low", "lows"),
        "HIGH": ("high", "highs", "peak"),
        "GAP": ("gap", "跳空", "缺口"),
        "STREAK": ("streak",),
        "STREAK_UP": ("连涨", "连升"),
        "STREAK_DOWN": ("连跌",),
        "IN_A_ROW": ("in a row", "running", "straight"),
        "VOLUME": ("volume", "成交量", "量比"),
        "RANGE": ("range", "range position", "position", "区间位置"),
        "MOVE": ("move",),
        "VS": ("vs", "versus", "against", "relative to", "相对", "对比"),
        "RATIO": ("ratio", "ratio to", "比价"),
        "SPREAD": ("spread", "spread to", "价差"),
        "PREMIUM": ("premium", "溢价"),
        "IMPLIED_GAP": ("implied gap",),
        "PREMIUM_AT_OPEN": ("premium at open",),
        "NEWS": ("news", "新闻"),
        "RSI": ("rsi",),
        "SMA": ("sma", "ma", "average", "moving average", "均线"),
        "EMA": ("ema",),
        "GOLDEN_CROSS": ("golden cross", "金叉"),
        "DEATH_CROSS": ("death cross", "死叉"),
        "CLOSES": ("closes", "收于", "收报"),
        # windows and spans
        "WINDOW": ("window",),
        "ALL": ("all", "all time", "all-time", "历史"),
        "YTD": ("ytd", "year to date", "今年以来", "年初至今", "今年"),
        "MTD": ("mtd", "month to date", "本月以来", "本月"),
        "SINCE": ("since", "自", "自从"),
        "MINUTES": ("m", "min", "mins", "minute", "minutes", "分钟"),
        "HOURS": ("h", "hour", "hours", "小时"),
        "DAYS": ("d", "day", "days", "日", "天"),
        "WEEKS": ("w", "week", "weeks", "周"),
        "SESSIONS": ("session", "sessions", "个交易日", "交易日"),
        "IN": ("in", "within", "in last", "within last"),
        # ladders
        "REFERENCE": ("reference", "ref"),
        "TRIGGER": ("trigger",),
        "CLOSE": ("close", "closing"),
        "INTRADAY": ("intraday",),
        "TOUCH": ("touch",),
        "RE_ARM_LOW": ("re-arm on new low", "rearm on new low"),
        "RE_ARM_PEAK": ("re-arm on new peak", "rearm on new peak", "re-arm on new high", "rearm on new high"),
        "AUTO": ("auto", "自动"),
        "LADDER": ("ladder",),
        "EVERY": ("every", "every further", "then every", "and every", "每"),
        # composition
        "AND": ("and", "&&", "且", "并且", "和", "同时"),
        "OR": ("or", "||", "或", "或者"),
        "NOT": ("not", "!", "非"),
        "FOR": ("for", "连续"),
        "LOOKS": ("look", "looks", "次"),
        "AT_CLOSE": ("at close", "on close", "by close", "收盘", "收盘时"),
        # scope
        "OF": ("of", "只"),
        "EACH_OF": (
            "each of", "every one of", "any of", "members of", "constituents of", "each constituent of",
        ),
        "CONSTITUENTS": ("constituents", "members", "成份股", "成分股"),
        "WATCHLIST": ("watchlist", "my watchlist", "自选", "自选股"),
        "INDICES": ("indices", "indexes", "all indices", "指数"),
        "STOCKS": ("stocks", "all stocks", "股票"),
        "FUNDS": ("funds", "all funds", "基金"),
        "OTHERS": ("others",),
        # telling
        "ONCE": ("once", "only once", "一次", "仅一次"),
        "ONCE_A_SESSION": (
            "once a session", "once a day", "once per session", "daily", "每日一次", "每天一次",
        ),
        "UNTIL": ("until", "till", "直到", "截至"),
        "QUIET": ("quiet", "quietly", "静音"),
        "URGENT": ("urgent", "urgently", "紧急"),
        "NOTE": ("note", "备注"),
    }
)  # fmt: skip
"""Each terminal's spellings."""

FILLERS = frozenset({"the", "its", "is", "it", "has", "been", "if", "when", "whenever", "元", "点", "points"})
"""What is read over: it changes nothing."""

# What also ends names, as in 恒生指数, or stands within them: it counts where it stands by itself.
_ALONE = frozenset({"指数", "股票", "基金", "自选", "自选股", "和", "只", "自", "创", "每"})

# One of two readings, by what stands before.
AFTER_NUMBER: Mapping[str, str] = MappingProxyType(
    {"x": "TIMES", "m": "MINUTES", "h": "HOURS", "d": "DAYS", "w": "WEEKS"}
)
_SHORT = frozenset({"x", "m", "h", "d", "w"})

KEYWORDS: Mapping[tuple[str, ...], str] = MappingProxyType(
    {
        tuple(spelling.split()): terminal
        for terminal, spellings in reversed(tuple(SPELLINGS.items()))
        for spelling in spellings
        if spelling not in _SHORT
    }
)
"""The terminal of each spelling, word by word."""

UNITS: Mapping[str, str] = MappingProxyType(
    {
        spelling: terminal
        for terminal in ("MINUTES", "HOURS", "DAYS", "WEEKS", "SESSIONS", "TIMES", "SIGMA")
        for spelling in SPELLINGS[terminal]
    }
)
"""What may be written onto a number, as in 52w."""

LONGEST_PHRASE = max(map(len, KEYWORDS))

HAN: Mapping[str, str] = MappingProxyType(
    {words[0]: terminal for words, terminal in KEYWORDS.items() if "\u3400" <= words[0][0] <= "\u9fff"}
)
"""The Chinese among them."""

INSIDE = frozenset(each for each in HAN if each not in _ALONE)
"""Those that may stand right behind a name."""

SIMPLER = str.maketrans(
    "動漲於內離點連歷週時個隻線價聞對數備註靜緊選當現並過從來盤鐘續變區間彈較僅創報穿併雙則",
    "动涨于内离点连历周时个只线价闻对数备注静紧选当现并过从来盘钟续变区间弹较仅创报穿并双则",
)

SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "×": "x",
        "’": "'",
        "、": ",",
        "；": ",",
        "。": " ",
        "：": " ",
        ":": " ",
        ";": ",",
        "$": " ",
    }
)
"""Signs that are written in several ways, brought to one; each stays one sign."""
