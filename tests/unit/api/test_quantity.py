"""Amounts as people write them, and as the API writes them back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api import quantity
from controlplane.api.quantity import QuantityError


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("0.5", "500m", id="half a core"),
        pytest.param(0.5, "500m", id="half a core as a number"),
        pytest.param(1, "1", id="a number"),
        pytest.param("1024Mi", "1Gi", id="the largest binary unit"),
        pytest.param("1.5Gi", "1536Mi", id="no fraction of a binary unit"),
        pytest.param("0.1Gi", "107374182400m", id="what bytes cannot say"),
        pytest.param("1023Ki", "1023Ki", id="no larger unit fits"),
        pytest.param("1000", "1k", id="the largest decimal unit"),
        pytest.param("1500m", "1500m", id="not 1.5"),
        pytest.param("100Mi", "100Mi", id="as it was"),
        pytest.param("1e3", "1e3", id="an exponent stays one"),
        pytest.param("12E3", "12e3", id="capital exponent"),
        pytest.param("0Mi", "0", id="nothing has no unit"),
        pytest.param("512Ki", "512Ki", id="below a mebibyte"),
        pytest.param("0.5Ki", "512", id="below 1024 the unit is dropped"),
        pytest.param("0.1n", "1n", id="the least there is"),
        pytest.param("-1Gi", "-1Gi", id="negative"),
        pytest.param("+5", "5", id="signed"),
        pytest.param(".5", "500m", id="no whole part"),
        pytest.param("5.", "5", id="no fraction"),
        pytest.param(" 1 ", "1", id="blanks around it"),
    ],
)
def test_canonical_form(written: str | int | float, expected: str) -> None:
    assert quantity.canonical(written) == expected


@pytest.mark.parametrize(
    ("written", "why"),
    [
        pytest.param("", "quantities must match the regular expression", id="nothing"),
        pytest.param("abc", "quantities must match the regular expression", id="no number"),
        pytest.param(".", "quantities must match the regular expression", id="only a point"),
        pytest.param("1 Gi", "quantities must match the regular expression", id="a blank inside"),
        pytest.param("1gb", "quantities must match the regular expression", id="no such letters"),
        pytest.param("1KiM", "unable to parse quantity's suffix", id="letters, but no unit"),
        pytest.param("1e", "unable to parse quantity's suffix", id="exponent without digits"),
    ],
)
def test_what_is_no_quantity(written: str, why: str) -> None:
    with pytest.raises(QuantityError, match=why):
        quantity.canonical(written)


@pytest.mark.parametrize(
    ("written", "units", "thousandths"),
    [
        pytest.param("1500m", 2, 1500, id="rounds up"),
        pytest.param("64Mi", 67108864, 67108864000, id="bytes"),
        pytest.param("1u", 1, 1, id="a trace is not nothing"),
        pytest.param("-1500m", -1, -1500, id="up is towards zero below it"),
    ],
)
def test_whole_numbers(written: str, units: int, thousandths: int) -> None:
    assert (quantity.value(written), quantity.milli_value(written)) == (units, thousandths)


@pytest.mark.parametrize(
    ("left", "right", "total", "rest", "order"),
    [
        pytest.param("1", "500m", "1500m", "500m", 1, id="cores"),
        pytest.param("1Gi", "1024Mi", "2Gi", "0", 0, id="equal in other words"),
        pytest.param("0", "64Mi", "64Mi", "-64Mi", -1, id="zero takes the other's unit"),
    ],
)
def test_arithmetic(left: str, right: str, total: str, rest: str, order: int) -> None:
    assert quantity.add(left, right) == total
    assert quantity.subtract(left, right) == rest
    assert quantity.compare(left, right) == order


UNITS = ["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-3"]
NUMBERS = st.builds(
    lambda sign, whole, fraction, unit: f"{sign}{whole}{fraction}{unit}",
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**6),
    st.one_of(st.just(""), st.integers(0, 999).map(".{}".format)),
    st.sampled_from(UNITS),
)


@given(NUMBERS)
def test_canonical_form_says_the_same_and_is_final(written: str) -> None:
    once = quantity.canonical(written)
    assert quantity.parse(once) == quantity.parse(written)
    assert quantity.canonical(once) == once


@given(NUMBERS, NUMBERS)
def test_a_sum_is_exact(left: str, right: str) -> None:
    assert quantity.parse(quantity.add(left, right)) == quantity.parse(left) + quantity.parse(right)
    assert quantity.subtract(quantity.add(left, right), right) in (quantity.canonical(left), *_other_notations(left))


def _other_notations(written: str) -> list[str]:
    exact = quantity.amount(written)
    return [quantity.render(exact._replace(notation=notation)) for notation in ("SI", "Binary", "Exponent")]


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(quantity.parse(text), Decimal)
    except QuantityError as error:
        assert "quantit" in str(error)
