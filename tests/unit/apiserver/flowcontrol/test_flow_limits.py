"""How many seats a level has, what it lends and borrows, how long a refused caller stays away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from controlplane.api.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    FlowSchema,
    PriorityLevelConfigurationSpec,
)
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.apiserver.flowcontrol import bootstrap
from controlplane.apiserver.flowcontrol.bootstrap import AUTO_UPDATE, kept, obsolete
from controlplane.apiserver.flowcontrol.limits import Bounds, Demand, Need, adjusted, bounds_of
from controlplane.apiserver.flowcontrol.retry_after import RetryAfter

LEVELS = {one.metadata.name: one.spec for one in (*bootstrap.MANDATORY_LEVELS, *bootstrap.SUGGESTED_LEVELS)}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("exempt", Bounds(0, 0, 600)),
        ("catch-all", Bounds(13, 13, 613)),
        ("system", Bounds(74, 50, 674)),
        ("node-high", Bounds(98, 73, 698)),
        ("leader-election", Bounds(25, 25, 625)),
        ("workload-high", Bounds(98, 49, 698)),
        ("workload-low", Bounds(245, 24, 845)),
        ("global-default", Bounds(49, 24, 649)),
    ],
)
def test_the_seats_of_a_default_server(level: str, expected: Bounds) -> None:
    """The numbers that upstream's metrics show for --max-requests-inflight=400, mutating 200."""
    assert bounds_of(LEVELS, 600)[level] == expected


def test_demand_of_a_period() -> None:
    demand = Demand(0.0)
    demand.note(4, 0.0)
    demand.note(0, 5.0)
    demand.settle(10.0)
    assert (demand.peak, demand.average, demand.deviation, demand.smoothed) == (4, 2.0, 2.0, 4.0)
    demand.settle(20.0)
    assert (demand.peak, demand.average) == (0, 0.0)
    assert demand.smoothed == pytest.approx(3.908), "what was asked for is forgotten slowly"


def need(nominal: int, lower: int, upper: int, peak: int = 0, smoothed: float = 0.0, *, exempt: bool = False) -> Need:
    return Need(Bounds(nominal, lower, upper), peak, smoothed, exempt)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        pytest.param([need(50, 25, 100), need(50, 25, 100)], [50, 50], id="nobody asks: as configured"),
        pytest.param([need(50, 10, 200, 90, 90.0), need(50, 10, 200)], [90, 10], id="an idle level lends"),
        pytest.param([need(50, 10, 60, 90, 90.0), need(50, 10, 200)], [60, 40], id="but no more than may be borrowed"),
        pytest.param([need(50, 50, 200, 90, 90.0), need(50, 50, 200)], [50, 50], id="what is not lendable stays"),
        pytest.param([need(50, 10, 200, 90, 90.0), need(50, 10, 200, 40, 40.0)], [60, 40], id="what is used stays"),
        pytest.param(
            [need(50, 20, 200, 50, 90.0), need(50, 20, 200, 50, 90.0), need(0, 0, 0, 30, exempt=True)],
            [35, 35, 30], id="exempt requests take from all",
        ),
        pytest.param(
            [need(50, 20, 200, 50, 50.0), need(50, 20, 200, 50, 50.0), need(0, 0, 0, 90, exempt=True)],
            [20, 20, 90], id="but not from what is not lendable",
        ),
    ],
)  # fmt: skip
def test_seats_go_where_they_are_asked_for(needs: list[Need], expected: list[int]) -> None:
    seats, _ = adjusted({str(number): one for number, one in enumerate(needs)})
    assert [seats[str(number)] for number in range(len(needs))] == expected


@given(st.lists(st.tuples(*[st.integers(0, 200)] * 4, st.floats(0, 500)), min_size=1, max_size=8))
def test_seats_stay_within_bounds_and_add_up(levels: list[tuple[int, int, int, int, float]]) -> None:
    needs = {
        str(number): need(lower + more, lower, lower + more + borrowed, peak, smoothed)
        for number, (lower, more, borrowed, peak, smoothed) in enumerate(levels)
    }
    seats, _ = adjusted(needs)
    assert all(needs[name].bounds.lower <= count <= needs[name].bounds.upper for name, count in seats.items())
    total = sum(one.bounds.nominal for one in needs.values())
    assert abs(sum(seats.values()) - total) <= len(needs), "but for rounding"


def test_refusals_that_keep_coming_send_callers_away_for_longer() -> None:
    told = RetryAfter()
    seconds = []
    for second in range(100, 160):
        for _ in range(200):
            told.note(float(second))
        seconds.append(told.seconds)
    assert seconds[0] == 1 and seconds[-1] == 32 and seconds == sorted(seconds)
    for second in range(1000, 2000, 40):
        told.note(float(second))
    assert told.seconds < 32


# --- the bootstrap objects

SCHEMA = bootstrap.SUGGESTED_SCHEMAS[0]
CHANGED = replace(SCHEMA.spec, matching_precedence=7)


def stored(annotation: str | None = "true", *, spec: object = SCHEMA.spec, generation: int = 2) -> FlowSchema:
    annotations = {"kept": "yes"} | ({AUTO_UPDATE: annotation} if annotation is not None else {})
    metadata = ObjectMeta(name=SCHEMA.metadata.name, annotations=annotations, generation=generation, uid="u")
    return FlowSchema(metadata=metadata, spec=spec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("existing", "mandatory", "expected"),
    [
        pytest.param(stored(), False, None, id="as it should be"),
        pytest.param(stored(spec=CHANGED), False, ("true", SCHEMA.spec), id="ours to update"),
        pytest.param(stored("false", spec=CHANGED), False, None, id="theirs"),
        pytest.param(stored("false", spec=CHANGED), True, ("true", SCHEMA.spec), id="mandatory"),
        pytest.param(stored(None, spec=CHANGED, generation=1), False, ("true", SCHEMA.spec), id="nobody changed it"),
        pytest.param(stored(None, spec=CHANGED), False, ("false", CHANGED), id="somebody changed it"),
        pytest.param(stored("perhaps", generation=1), False, ("true", SCHEMA.spec), id="no boolean"),
    ],
)
def test_what_becomes_of_a_bootstrap_object(
    existing: FlowSchema, mandatory: bool, expected: tuple[str, object] | None
) -> None:
    wanted = kept(existing, SCHEMA, mandatory=mandatory)
    if expected is None:
        assert wanted is None
        return
    assert wanted is not None
    assert (wanted.metadata.annotations, wanted.spec) == ({"kept": "yes", AUTO_UPDATE: expected[0]}, expected[1])
    assert wanted.metadata.uid == "u"


def test_the_seats_of_exempt_requests_are_for_each_cluster() -> None:
    expected = bootstrap.MANDATORY_LEVELS[0]
    own = ExemptPriorityLevelConfiguration(nominal_concurrency_shares=10, lendable_percent=50)
    assert kept(replace(expected, spec=replace(expected.spec, exempt=own)), expected, mandatory=True) is None
    assert kept(replace(expected, spec=PriorityLevelConfigurationSpec()), expected, mandatory=True) == expected


def test_objects_of_an_earlier_release_go_unless_somebody_took_them_over() -> None:
    def named(name: str, **annotations: str) -> FlowSchema:
        return FlowSchema(metadata=ObjectMeta(name=name, annotations=annotations))

    ours, theirs = named("old", **{AUTO_UPDATE: "true"}), named("older", **{AUTO_UPDATE: "false"})
    assert obsolete([ours, theirs, named("mine"), stored()], [SCHEMA]) == [ours]
