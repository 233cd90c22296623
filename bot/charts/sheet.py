"""A sheet to draw on: everything is placed in pixels from the upper left corner."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bot.charts.fonts import Letters
from bot.charts.scales import Tick

INK, SOFT, HAIR = "#1a1f29", "#4a5260", "#dfe3ea"
# A telephone shows a sheet of 1,000 pixels at little more than a third of its size.
LARGE, TEXT, SMALL = 28, 22, 20

_DPI = 100
_POINTS = 72 / _DPI


def points(pixels: float) -> float:
    """Return pixels in the unit of fonts, marks and lines."""
    return pixels * _POINTS


class Sheet:
    """One picture in the making, `width` by `height` pixels."""

    def __init__(self, width: int, height: int) -> None:
        # Somebody's own matplotlibrc is for their own pictures.
        mpl.rcdefaults()
        self.letters = Letters()
        # Dollars are prices here, and begin no formula.
        mpl.rcParams.update({"font.family": self.letters.families, "text.parse_math": False})
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def png(self) -> bytes:
        """Return what was drawn."""
        written = BytesIO()
        self.figure.savefig(written, format="png")
        return written.getvalue()

    def axes(self, left: float, right: float, top: float, bottom: float) -> Axes:
        """Return a place to plot in, with a line along its bottom."""
        axes = self.figure.add_axes(
            (
                left / self.width,
                1 - bottom / self.height,
                (right - left) / self.width,
                (bottom - top) / self.height,
            )
        )
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        axes.set_yticks([])
        for name, spine in axes.spines.items():
            spine.set_visible(name == "bottom")
            spine.set_color(HAIR)
        return axes

    def bare(self, left: float, right: float, top: float, bottom: float) -> Axes:
        """Return a place to plot in that shows nothing of itself; its scales go from 0 to 1."""
        axes = self.axes(left, right, top, bottom)
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        return axes

    def along(self, axes: Axes, ticks: Iterable[Tick]) -> None:
        """Put ticks below a plot."""
        held = tuple(ticks)
        axes.set_xticks([each.at for each in held], [each.text for each in held])
        axes.tick_params(axis="x", length=5, pad=4, color=HAIR, labelsize=points(SMALL), labelcolor=SOFT)

    def beside(self, axes: Axes, ticks: Iterable[Tick]) -> None:
        """Put ticks to the right of a plot, with a thin line through it for each."""
        held = tuple(ticks)
        axes.yaxis.tick_right()
        axes.set_yticks([each.at for each in held], [each.text for each in held])
        axes.set_yticks([], minor=True)
        axes.tick_params(axis="y", length=0, pad=6, labelsize=points(SMALL), labelcolor=SOFT)
        axes.grid(axis="y", color=HAIR, linewidth=points(1.2))

    def write(self, x: float, y: float, text: str, size: float, **more: Any) -> None:
        """Write one line, its middle at `y`."""
        style = {"fontsize": points(size), "color": INK, "va": "center_baseline", **more}
        self.figure.text(x / self.width, 1 - y / self.height, text, **style)

    def width_of(self, text: str, size: float, weight: str = "normal") -> float:
        """Return how many pixels a line takes."""
        tried = self.figure.text(0, 0, text, fontsize=points(size), weight=weight)
        wide = tried.get_window_extent().width
        tried.remove()
        return float(wide)

    def cut(self, text: str, size: float, room: float, weight: str = "normal") -> str:
        """Shorten a text to `room` pixels, an ellipsis showing that there was more."""
        if self.width_of(text, size, weight) <= room:
            return text
        too_long = bisect_left(
            range(len(text)), room, key=lambda end: self.width_of(f"{text[:end]}…", size, weight)
        )
        return f"{text[: max(0, too_long - 1)].rstrip()}…"
