"""How is a figure written down, and when has it met its goal?"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that ``share`` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


@dataclass(frozen=True)
class Goal:
    """What a figure should reach; all that is set must hold."""

    at_most: float | None = None
    at_least: float | None = None
    ratio_at_most: float | None = None
    ratio_at_least: float | None = None
    less_than_contender: bool = False

    def in_words(self, unit: str) -> str:
        """Return the goal as the table shows it."""
        parts = (
            self.at_most is not None and f"<= {self.at_most:g} {unit}",
            self.at_least is not None and f">= {self.at_least:g} {unit}",
            self.ratio_at_most is not None and f"<= {self.ratio_at_most:g}x",
            self.ratio_at_least is not None and f">= {self.ratio_at_least:g}x",
            self.less_than_contender and "less",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Row:
    """One line of the table. A row without a goal is there to understand the others."""

    figure: str
    unit: str
    ours: float
    contender: str = ""
    theirs: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Return our figure as a multiple of the contender's."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met, if there is one."""
        goal = self.goal
        if goal is None:
            return None
        ratio = self.ratio or 0.0
        return (
            (goal.at_most is None or self.ours <= goal.at_most)
            and (goal.at_least is None or self.ours >= goal.at_least)
            and (goal.ratio_at_most is None or ratio <= goal.ratio_at_most)
            and (goal.ratio_at_least is None or ratio >= goal.ratio_at_least)
            and (not goal.less_than_contender or ratio < 1)
        )

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Return the line as the table shows it."""
        theirs = "" if self.theirs is None else f"{self.contender}: {_number(self.theirs)}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        goal = self.goal.in_words(self.unit) if self.goal else ""
        met = {True: "yes", False: "no", None: ""}[self.met]
        return self.figure, f"{_number(self.ours)} {self.unit}", theirs, ratio, goal, met


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
