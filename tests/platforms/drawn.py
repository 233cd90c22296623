"""A small picture that is none of ours, with words for who does not see it that mean harm."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from bot.messages.blocks import Picture

ALT = 'Closes of <b>Xiaomi</b> & the alerts of “day > 2%”: "><img src=x onerror=alert(1)> <!channel>\u202e'


def picture(width: int = 40, height: int = 30, alt: str = ALT) -> Picture:
    written = BytesIO()
    Image.new("RGB", (width, height), "#0b62b0").save(written, "PNG")
    return Picture(written.getvalue(), alt)
