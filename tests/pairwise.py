"""Cases in which every two values of different parameters meet: a tenth of all combinations."""

from collections.abc import Iterable
from itertools import combinations, product
from typing import Any

Case = tuple[Any, ...]


def pairwise(*parameters: Iterable[Any]) -> list[Case]:
    """Few cases, the same at every call; what one value of each parameter breaks may pass."""
    values = [list(parameter) for parameter in parameters]
    # By their places, as values may not be hashable.
    cases = list(product(*(range(len(each)) for each in values)))
    missing = {pair for case in cases for pair in _pairs(case)}
    chosen = []
    while missing:
        best = max(cases, key=lambda case: len(missing & _pairs(case)))
        missing -= _pairs(best)
        chosen.append(tuple(values[at][number] for at, number in enumerate(best)))
    return chosen


def _pairs(case: tuple[int, ...]) -> set[tuple[tuple[int, int], ...]]:
    return set(combinations(enumerate(case), 2))
