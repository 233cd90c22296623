"""Which of the characters that are to be shown this machine has letters for."""

from __future__ import annotations

import unicodedata

from matplotlib.font_manager import FontProperties, findfont, get_font

# The library's own, then what machines have for Chinese.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK HK",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)


class Letters:
    """The font families that this machine has, the first that has a character being the one that shows it."""

    def __init__(self) -> None:
        self.families: list[str] = []
        self._fonts = []
        for family in _FAMILIES:
            try:
                path = findfont(FontProperties(family=[family]), fallback_to_default=False)
            except ValueError:
                continue
            self.families.append(family)
            self._fonts.append(get_font(path))

    def shown(self, text: str, otherwise: str = "") -> str:
        """Return `text` on one line, without the words that would be boxes here, or `otherwise`."""
        words = (
            word
            for word in "".join(each if _is_seen(each) else " " for each in text).split()
            if all(map(self._has, word))
        )
        return " ".join(words) or otherwise

    def _has(self, letter: str) -> bool:
        return any(font.get_char_index(ord(letter)) for font in self._fonts)


def _is_seen(letter: str) -> bool:
    return unicodedata.category(letter)[0] not in "CZ"
