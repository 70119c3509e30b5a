"""Two readings to what is used, as metrics-server computes it."""

from __future__ import annotations

import pytest

from controlplane.apiserver.usage.exposition import Malformed, Point, Reading, parse
from controlplane.apiserver.usage.rates import Rate, rate_of, rates_of_pod
from controlplane.apiserver.usage.scraper import Step, plan
from controlplane.kit.durations import format_duration, parse_duration

MIB = 1 << 20


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        pytest.param(
            Point(100, 10.0, 5), Point(115, 13.0, 7), Rate(115, 15, 0.2, 7), id="a rate, and the later memory"
        ),
        pytest.param(Point(100, 10.0, 5), Point(100, 10.0, 5), None, id="the same reading twice"),
        pytest.param(Point(100, 10.0, 5), Point(115, 3.0, 7), None, id="another machine of the same name"),
        pytest.param(None, Point(115, 3.0, 7), None, id="one reading"),
        pytest.param(None, Point(115, 3.0, 7, 103), Rate(115, 12, 0.25, 7), id="its start is a reading"),
        pytest.param(Point(100, 9.0, 5, 50), Point(115, 3.0, 7, 103), Rate(115, 12, 0.25, 7), id="restarted"),
        pytest.param(Point(100, 9.0, 5, 50), Point(115, 3.0, 7, 110), None, id="restarted a moment ago"),
        pytest.param(None, Point(5000, 3.0, 7, 103), None, id="an average over an hour is not what is used now"),
        pytest.param(Point(100, 10.0, 5), Point(115, None, 7), None, id="no CPU"),
    ],
)
def test_rate(earlier: Point | None, later: Point, expected: Rate | None) -> None:
    assert rate_of(earlier, later) == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Rate(0, 1, 0.123456789, 3 * MIB), {"cpu": "123456789n", "memory": "3Mi"}),
        (Rate(0, 1, 0.25, 5 * 1024), {"cpu": "250m", "memory": "5Ki"}),
        (Rate(0, 1, 0.0, 0), {"cpu": "0", "memory": "0"}),
    ],
)
def test_amounts(rate: Rate, expected: dict[str, str]) -> None:
    assert rate.usage() == expected


def test_a_pod_with_a_container_that_is_not_known_is_left_out() -> None:
    name = ("default", "web")
    old, new = Point(100, 10.0, 5), Point(115, 13.0, 7)
    earlier, later = Reading(None, {name: {"a": old}}), Reading(None, {name: {"a": new, "b": new}})
    assert rates_of_pod(earlier, later, name) == {}
    assert set(rates_of_pod(later, Reading(None, {name: {"a": Point(130, 14.0, 7)}}), name)) == {"a"}
    assert rates_of_pod(earlier, later, ("default", "other")) == {}


PAGE = """\
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 42.5 1700000000500
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 1.048576e+06 1700000000500
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1.5 1700000000250
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="c",namespace="n",pod="p"} 4096 1700000000250
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="c",namespace="n",pod="p"} 1699999990.0
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="n",pod="p"} 1.5 1700000000250
"""


def test_a_page() -> None:
    reading = parse(PAGE, 1.0)
    assert reading.node == Point(1700000000.5, 42.5, MIB)
    assert reading.pods == {("n", "p"): {"c": Point(1700000000.25, 1.5, 4096, 1699999990.0)}}


@pytest.mark.parametrize(
    ("text", "node"),
    [
        pytest.param("", None, id="an empty page"),
        pytest.param("node_cpu_usage_seconds_total 1", None, id="half of it"),
        pytest.param("node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 2", Point(7, 1.0, 2), id="no time"),
    ],
)
def test_pages_that_say_little(text: str, node: Point | None) -> None:
    assert parse(text, 7.0) == Reading(node, {})


@pytest.mark.parametrize("text", ["<html>", "node_memory_working_set_bytes NaN", "node_memory_working_set_bytes +Inf"])
def test_pages_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text, 7.0)


@pytest.mark.parametrize(
    ("age", "readings", "expected"),
    [
        pytest.param(float("inf"), 0, Step.TWO, id="never asked"),
        pytest.param(3, 2, Step.NOTHING, id="a moment ago"),
        pytest.param(3, 0, Step.NOTHING, id="it did not answer a moment ago: nobody waits for it again"),
        pytest.param(1, 1, Step.SECOND, id="somebody gave up after the first reading"),
        pytest.param(3, 1, Step.ONE, id="and that was long enough ago"),
        pytest.param(20, 2, Step.ONE, id="the last reading is the earlier one"),
        pytest.param(20, 0, Step.TWO, id="it did not answer, and may now"),
        pytest.param(90, 2, Step.TWO, id="an average over so long says nothing of now"),
        pytest.param(90, 1, Step.TWO, id="nor does one reading"),
    ],
)
def test_how_often_a_node_is_read(age: float, readings: int, expected: Step) -> None:
    assert plan(age, readings) is expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.25, "250ms"), (15.0, "15s"), (15.061, "15.061s"), (60.5, "1m0.5s"), (3600, "1h0m0s"), (-2, "-2s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert seconds < 0 or parse_duration(text) == seconds
