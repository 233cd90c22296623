"""Pictures, drawn in a child process: nobody else ever loads the library that draws."""

from __future__ import annotations

from bot.charts.drawing import draw_backtest
from bot.charts.pictures import Pictures

__all__ = ["Pictures", "draw_backtest"]
