"""Amounts with a unit ("500m", "64Mi", "1e3"): read exactly, computed exactly, written as upstream writes them.

An amount is an integer number of nanos: upstream rounds anything finer up to one nano, so nothing is lost.

    canonical("0.5") == "500m"      canonical("1024Mi") == "1Gi"
    canonical(1) == "1"             canonical("0.1Gi") == "107374182400m"
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from controlplane.api.base import Quantity

_NANO = 10**9
_LARGEST = (2**63 - 1) * _NANO  # upstream caps what does not fit an int64

_NUMBER = re.compile(r"([+-]?)(?=[0-9]|\.[0-9])([0-9]*)(?:\.([0-9]*))?")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}

_MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_BAD_SUFFIX = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """Text that is no quantity, with upstream's words for why."""


class Amount(NamedTuple):
    """A quantity as a number of nanos, and the notation it came in: "SI", "Binary" or "Exponent"."""

    nanos: int
    notation: str


def parse(quantity: Quantity) -> Decimal:
    """Return the exact number a quantity stands for. Raises QuantityError."""
    return Decimal(amount(quantity).nanos).scaleb(-9)


def value(quantity: Quantity) -> int:
    """Return the quantity in whole units (bytes, pods, cores), rounded up."""
    return -(-amount(quantity).nanos // _NANO)


def milli_value(quantity: Quantity) -> int:
    """Return the quantity in thousandths, rounded up: "1.5" gives 1500."""
    return -(-amount(quantity).nanos // 10**6)


def canonical(quantity: Quantity) -> str:
    """Return the quantity as upstream writes it back. Raises QuantityError."""
    return _canonical(_text(quantity))


def compare(left: Quantity, right: Quantity) -> int:
    """Return -1, 0 or 1 as `left` is less than, equal to or greater than `right`."""
    ours, theirs = amount(left).nanos, amount(right).nanos
    return (ours > theirs) - (ours < theirs)


def add(left: Quantity, right: Quantity) -> str:
    """Return the sum, in the notation of `left` (of `right`, if `left` is zero)."""
    ours, theirs = amount(left), amount(right)
    return render(Amount(ours.nanos + theirs.nanos, ours.notation if ours.nanos else theirs.notation))


def subtract(left: Quantity, right: Quantity) -> str:
    """Return the difference, in the notation of `left` (of `right`, if `left` is zero)."""
    ours, theirs = amount(left), amount(right)
    return render(Amount(ours.nanos - theirs.nanos, ours.notation if ours.nanos else theirs.notation))


def amount(quantity: Quantity) -> Amount:
    """Return what a quantity on the wire says. Raises QuantityError."""
    return _amount(_text(quantity))


def render(amount: Amount) -> str:
    """Return an amount in its notation, with the largest unit that needs no fraction."""
    nanos, notation = amount
    if notation == "Binary" and abs(nanos) >= 1024 * _NANO and nanos % _NANO == 0:
        return _render_binary(nanos // _NANO)
    return _render_decimal(nanos, notation)


def _text(quantity: Quantity) -> str:
    # JSON and YAML let people write cpu: 1 and cpu: 0.5; upstream reads the digits as they stand.
    return quantity if isinstance(quantity, str) else repr(quantity)


# The same few amounts fill every manifest, so reading one is nearly always a look-up.
@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return render(_amount(text))


@lru_cache(maxsize=4096)
def _amount(text: str) -> Amount:
    text = text.strip()
    number = _NUMBER.match(text)
    if number is None:
        raise QuantityError(_MALFORMED)
    sign, whole, fraction = number[1], number[2], number[3] or ""
    base, exponent, notation = _unit(text[number.end() :])
    nanos = _scaled(int(whole + fraction), len(fraction), base, exponent)
    return Amount(-nanos if sign == "-" else nanos, notation)


def _unit(suffix: str) -> tuple[int, int, str]:
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], "SI"
    if suffix in _BINARY:
        return 2, _BINARY[suffix], "Binary"
    written = _EXPONENT.fullmatch(suffix)
    if written:
        return 10, int(written[1]), "Exponent"
    raise QuantityError(_BAD_SUFFIX if re.fullmatch(r"[eEinumkKMGTP]*[-+]?[0-9]*", suffix) else _MALFORMED)


def _scaled(digits: int, decimals: int, base: int, exponent: int) -> int:
    """Return digits / 10**decimals * base**exponent in nanos, rounded away from zero and capped."""
    if digits == 0:
        return 0
    if exponent > 400:
        return _LARGEST
    if exponent < -400 - decimals:
        return 1
    numerator = digits * _NANO * (base**exponent if exponent >= 0 else 1)
    denominator = int(10**decimals) * (1 if exponent >= 0 else base**-exponent)
    return min(_LARGEST, -(-numerator // denominator))


def _render_binary(units: int) -> str:
    exponent = 0
    while exponent < 60 and units % 1024 == 0:
        units, exponent = units // 1024, exponent + 10
    return f"{units}{_BINARY_SUFFIX[exponent]}" if exponent else str(units)


def _render_decimal(nanos: int, notation: str) -> str:
    if nanos == 0:
        return "0"
    mantissa, exponent = nanos, -9
    while exponent < 18 and mantissa % 1000 == 0:
        mantissa, exponent = mantissa // 1000, exponent + 3
    if notation == "Exponent":
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_SUFFIX[exponent]}"
