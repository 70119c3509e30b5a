"""Resource quantities: `quantity("500m").isLessThan(quantity("1"))`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from controlplane.api.quantity import Amount, QuantityError, amount
from controlplane.api.quantity import render as render_amount
from controlplane.cel import costs
from controlplane.cel.errors import EvaluationError
from controlplane.cel.functions import Functions, function, method
from controlplane.cel.types import BOOL, DOUBLE, INT, STRING, Type
from controlplane.cel.values import INT_MAX, INT_MIN

QUANTITY_TYPE = Type("kubernetes.Quantity")
_NANO = 10**9


@dataclass(frozen=True, slots=True)
class QuantityValue:
    nanos: int
    notation: str = field(compare=False)
    cel_type: ClassVar[Type] = QUANTITY_TYPE

    def __str__(self) -> str:
        return render_amount(Amount(self.nanos, self.notation))

    @property
    def is_integer(self) -> bool:
        return self.nanos % _NANO == 0 and INT_MIN <= self.nanos // _NANO <= INT_MAX


def _parse(text: str) -> QuantityValue:
    try:
        return QuantityValue(*amount(text))
    except QuantityError as error:
        raise EvaluationError(str(error)) from error


def _is_quantity(text: str) -> bool:
    try:
        amount(text)
    except QuantityError:
        return False
    return True


def _as_integer(quantity: QuantityValue) -> int:
    if not quantity.is_integer:
        raise EvaluationError("cannot convert value to integer")
    return quantity.nanos // _NANO


def _plus(left: QuantityValue, nanos: int) -> QuantityValue:
    return QuantityValue(left.nanos + nanos, left.notation)


def add_to(functions: Functions) -> None:
    quantity = QUANTITY_TYPE
    functions.knows(quantity, QuantityValue)
    add = functions.add
    add("quantity", function(STRING, gives=quantity), _parse, costs.of_first)
    add("isQuantity", function(STRING, gives=BOOL), _is_quantity, costs.of_first)
    for signature in (method(quantity, gives=INT), function(quantity, gives=INT)):
        add("sign", signature, lambda one: (one.nanos > 0) - (one.nanos < 0))
    add("isGreaterThan", method(quantity, quantity, gives=BOOL), lambda one, other: one.nanos > other.nanos)
    add("isLessThan", method(quantity, quantity, gives=BOOL), lambda one, other: one.nanos < other.nanos)
    add("compareTo", method(quantity, quantity, gives=INT), lambda a, b: (a.nanos > b.nanos) - (a.nanos < b.nanos))
    add("asApproximateFloat", method(quantity, gives=DOUBLE), lambda one: one.nanos / _NANO)
    add("asInteger", method(quantity, gives=INT), _as_integer)
    add("isInteger", method(quantity, gives=BOOL), lambda one: one.is_integer)
    add("add", method(quantity, quantity, gives=quantity), lambda one, other: _plus(one, other.nanos))
    add("add", method(quantity, INT, gives=quantity), lambda one, other: _plus(one, other * _NANO))
    add("sub", method(quantity, quantity, gives=quantity), lambda one, other: _plus(one, -other.nanos))
    add("sub", method(quantity, INT, gives=quantity), lambda one, other: _plus(one, -other * _NANO))
