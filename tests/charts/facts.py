"""Facts to draw, and what the pictures that come of them look like."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

from PIL import Image

from bot.messages.pictures import After, BacktestPicture, Marked
from bot.rules.report import Changes

FIRST = date(2021, 1, 4)
DAYS = tuple(FIRST + timedelta(days=at) for at in range(400) if (FIRST + timedelta(days=at)).weekday() < 5)
CLOSES = tuple(100 + at % 40 for at in range(len(DAYS)))
AFTER = After(5, Changes(1.2, -0.5, 3.1, 0.6, 3), Changes(0.1, -1.4, 1.6, 0.51, 280))
LADDER = BacktestPicture(
    "1810.HK",
    "Xiaomi 小米集团-W",
    "1810.HK drawdown 20/30%",
    DAYS,
    tuple(map(float, CLOSES)),
    (Marked(DAYS[40], "20%"), Marked(DAYS[90], "30%"), Marked(DAYS[200], "20%")),
    (AFTER,),
    2.7,
)
NEVER = BacktestPicture("0700.HK", "Tencent", "0700.HK below 12", DAYS, tuple(map(float, CLOSES)))


def image_of(png: bytes) -> Image.Image:
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return image.convert("RGB")


def column_of(session: date, days: tuple[date, ...] = DAYS) -> int:
    """The column of pixels that a session stands in."""
    span = (days[-1] - days[0]).days
    share = ((session - days[0]).days / span + 0.012) / 1.024
    return round(24 + 836 * share)


def colours_of(image: Image.Image, column: int, top: int = 130, bottom: int = 416) -> set[str]:
    """The colours of a column of the plot, as they are written."""
    pixels = (image.getpixel((column, row)) for row in range(top, bottom))
    return {"#{:02x}{:02x}{:02x}".format(*each) for each in pixels if isinstance(each, tuple)}
