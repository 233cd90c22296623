"""The same questions put to backtesting.py and vectorbt: bare signals, for they know no ladder or episode."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.errors import MarketbellError
from bot.market.bars import Series

_CASH = 1e9
# Binary fractions deny that 102.7 is 2.7% above 100: an exact step counts, as it does with us.
_ERROR = 1e-12


class NoPeers(MarketbellError):
    """The libraries that this is measured beside are not installed."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Both libraries, loaded: nothing else here needs them, and they take seconds to load."""

    backtesting: Any
    vectorbt: Any
    pandas: Any

    @classmethod
    def loaded(cls) -> Peers:
        """Load them; `NoPeers` where they are not installed."""
        # backtesting draws a bar of progress for each instrument
        os.environ["TQDM_DISABLE"] = "1"
        try:
            import backtesting  # noqa: PLC0415 - quick runs do without
            import pandas as pd  # noqa: PLC0415 - likewise
            import vectorbt  # noqa: PLC0415 - likewise
        except ImportError as error:
            raise NoPeers(
                f"{error.name} is not installed: put what we are measured beside into .venv by "
                ".venv/bin/python -m pip install --require-hashes -r requirements/peers.txt"
            ) from error
        return cls(backtesting, vectorbt, pd)

    def frames(self, held: Mapping[str, Series], days: Sequence[date]) -> dict[str, Any]:
        """Return a frame for each instrument, as backtesting.py takes it."""
        index = self.pandas.to_datetime(list(days))
        return {
            symbol: self.pandas.DataFrame(
                {
                    "Open": [bar.open for bar in series.bars],
                    "High": [bar.high for bar in series.bars],
                    "Low": [bar.low for bar in series.bars],
                    "Close": [bar.close for bar in series.bars],
                    "Volume": [bar.volume for bar in series.bars],
                },
                index=index,
            )
            for symbol, series in held.items()
        }

    def wide(self, frames: Mapping[str, Any]) -> dict[str, Any]:
        """Return a frame for each price with a column an instrument, as vectorbt takes it."""
        return {
            price: self.pandas.DataFrame({symbol: frame[price] for symbol, frame in frames.items()})
            for price in ("High", "Low", "Close")
        }

    def day_signals(self, wide: Mapping[str, Any], step: float) -> int:
        """Return how often vectorbt sees a bar reach a step from the close before, up or down."""
        before = wide["Close"].vbt.fshift(1)
        up = wide["High"] / before - 1 >= step / 100 - _ERROR
        down = wide["Low"] / before - 1 <= -step / 100 + _ERROR
        return int(up.vbt.signals.total().sum() + down.vbt.signals.total().sum())

    def drawdown_signals(self, wide: Mapping[str, Any], steps: Sequence[float]) -> int:
        """Return how often vectorbt sees a bar newly below a step from the highest close before it."""
        peak = wide["Close"].vbt.expanding_max().vbt.fshift(1)
        depth = wide["Low"] / peak - 1
        return sum(int(depth.vbt.crossed_below(-step / 100).vbt.signals.total().sum()) for step in steps)

    def day_bars(self, frames: Mapping[str, Any], step: float) -> int:
        """Return how often a strategy of backtesting.py sees the same as `day_signals`, bar by bar."""
        up, down = 1 + step / 100 - _ERROR, 1 - step / 100 + _ERROR

        class Day(self.backtesting.Strategy):  # type: ignore[misc, name-defined]
            seen = 0

            def init(self) -> None:
                self.seen = 0

            def next(self) -> None:
                before = self.data.Close[-2]
                self.seen += int(self.data.High[-1] / before >= up)
                self.seen += int(self.data.Low[-1] / before <= down)

        return self._seen(Day, frames)

    def drawdown_bars(self, frames: Mapping[str, Any], steps: Sequence[float]) -> int:
        """Return how often a strategy of backtesting.py sees a bar newly below a step, bar by bar."""
        levels = tuple(1 - step / 100 for step in steps)

        class Drawdown(self.backtesting.Strategy):  # type: ignore[misc, name-defined]
            seen = 0

            def init(self) -> None:
                self.seen, self.peak, self.depth = 0, self.data.Close[0], 1.0

            def next(self) -> None:
                depth = self.data.Low[-1] / self.peak
                self.seen += sum(depth <= level < self.depth for level in levels)
                self.peak, self.depth = max(self.peak, self.data.Close[-1]), depth

        return self._seen(Drawdown, frames)

    def _seen(self, strategy: Any, frames: Mapping[str, Any]) -> int:
        return sum(
            self.backtesting.Backtest(frame, strategy, cash=_CASH).run()._strategy.seen  # noqa: SLF001 - its results keep it there alone
            for frame in frames.values()
        )
