"""What evaluation costs, in upstream's units: a field read is one, and a text is one for each ten characters.

A budget bounds work, whatever the hardware; the numbers are those of cel-go's cost tracker and of the Kubernetes
libraries (staging `pkg/cel/library/cost.go`), the steps of macros as that tracker counts their expansions.
"""

from __future__ import annotations

from typing import Any

LIST, MAP, OBJECT = 10, 30, 40  # to make one
STEP_OF_QUANTIFIER, STEP_OF_MAP = 3, 12  # for each element, besides what is evaluated of it

PER_CALL = 1_000_000  # of one expression
PER_REQUEST = 10_000_000  # of all expressions of one policy, or one resource's rules, for one request
MATCH_CONDITIONS = 2_500_000  # of all match conditions of one webhook or policy, a quarter of the above


def length(value: Any) -> int:
    """Return how much there is of a value: characters, bytes, elements; 1 for anything else."""
    return len(value) if isinstance(value, str | bytes | list | dict) else 1


def tenth(size: int) -> int:
    """Return the cost of walking a text of this size once."""
    return (size + 9) // 10


def of_first(value: Any, *_: Any) -> int:
    """A function that walks what it is called on."""
    return 1 + tenth(length(value))


def of_second(_: Any, value: Any, *__: Any) -> int:
    return 1 + tenth(length(value))


def of_sum(left: Any, right: Any) -> int:
    return tenth(length(left) + length(right))


def of_smaller(left: Any, right: Any) -> int:
    return tenth(min(length(left), length(right)))


def of_product(left: Any, right: Any, *_: Any) -> int:
    """A search for one thing inside another."""
    return tenth(length(left)) * tenth(length(right)) + 1


def of_elements(value: Any, *_: Any) -> int:
    return max(1, length(value))


def of_pairs(left: Any, right: Any) -> int:
    return 1 + length(left) * length(right)


def of_regex(text: str, pattern: str, *_: Any) -> int:
    """RE2 is linear in the text for a given pattern: upstream counts a quarter of the pattern's length a step."""
    return (tenth(length(text) + 1)) * max(1, (length(pattern) + 3) // 4)


def of_squared(value: Any, *_: Any) -> int:
    return 1 + length(value) ** 2
