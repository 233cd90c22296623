"""How the alerts of each step are marked: by shape or by place, and by word; the colour only helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.messages.pictures import Marked, counted

# Told apart by whoever does not see red or green, and dark enough on white.
_LOOKS = (
    ("o", "#b3430c"),
    ("s", "#0b62b0"),
    ("^", "#00755c"),
    ("D", "#8a3d84"),
    ("v", "#8a6d00"),
    ("P", "#1f6f8b"),
)
_REST = ("X", "#1a1f29")
_OTHERS = "others"
_FEW = 60
# (up to so many alerts, the side of a mark in pixels)
_SIDES = ((12, 17.0), (30, 14.0))
_LEAST_SIDE = 11.0


@dataclass(frozen=True, slots=True)
class Marks:
    """The alerts of one step, or of all that are too rare to be told apart, and how they look."""

    step: str
    shape: str
    colour: str
    sessions: tuple[date, ...]

    @property
    def text(self) -> str:
        """The step and how often it fired."""
        return f"{self.step} ({len(self.sessions)})" if self.step else "alert"


def marks_of(fires: Sequence[Marked]) -> tuple[Marks, ...]:
    """Return the marks of each step; where there are too many steps, the rarest share one look."""
    counts = counted(tuple(fires))
    common = sorted(counts, key=lambda each: -each[1])[: len(_LOOKS)]
    own = [step for step, _ in counts if step in {each for each, _ in common}]
    made = [
        Marks(step, *look, tuple(each.session for each in fires if each.step == step))
        for step, look in zip(own, _LOOKS, strict=False)
    ]
    rest = tuple(each.session for each in fires if each.step not in own)
    return (*made, Marks(_OTHERS, *_REST, rest)) if rest else tuple(made)


def are_few(fires: Sequence[Marked]) -> bool:
    """Tell whether every alert can have a mark of its own on the line of prices."""
    return len(fires) <= _FEW


def side_of(fires: Sequence[Marked]) -> float:
    """Return how large a mark is, in pixels, where there are so many."""
    return next((side for most, side in _SIDES if len(fires) <= most), _LEAST_SIDE)
