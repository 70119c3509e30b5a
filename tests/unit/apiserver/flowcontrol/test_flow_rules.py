"""Which FlowSchema a request belongs to, which queues its flow gets, how wide it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.flowcontrol import bootstrap
from controlplane.apiserver.flowcontrol.dealer import deal, flow_hash
from controlplane.apiserver.flowcontrol.estimate import seats_of, widest_request
from controlplane.apiserver.flowcontrol.rules import distinguisher, in_order, matches
from controlplane.apiserver.messages import Query
from controlplane.apiserver.request_info import parse_request_info
from controlplane.auth.interface import User

SCHEMAS = in_order([*bootstrap.MANDATORY_SCHEMAS, *bootstrap.SUGGESTED_SCHEMAS])
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/lock"
AUTHENTICATED = "system:authenticated"


def user(name: str, *groups: str) -> User:
    return User(name, groups=(*groups, AUTHENTICATED))


ADMIN = user("admin", "system:masters")
NODE = user("system:node:n1", "system:nodes")
MANAGER, SCHEDULER = user("system:kube-controller-manager"), user("system:kube-scheduler")
PROXY = user("system:serviceaccount:kube-system:kube-proxy", "system:serviceaccounts")
APP = user("system:serviceaccount:shop:web", "system:serviceaccounts")
NOBODY = User("system:anonymous", groups=("system:unauthenticated",))


@pytest.mark.parametrize(
    ("who", "method", "path", "expected"),
    [
        pytest.param(ADMIN, "GET", "/api/v1/pods", "exempt", id="masters"),
        pytest.param(NOBODY, "GET", "/readyz", "probes", id="probe"),
        pytest.param(NOBODY, "GET", "/readyz/etcd", "probes", id="one check of a probe"),
        pytest.param(NOBODY, "GET", "/readyzz", "global-default", id="no probe"),
        pytest.param(MANAGER, "PUT", LEASE, "system-leader-election", id="manager's lease"),
        pytest.param(PROXY, "PUT", LEASE, "system-leader-election", id="lease of kube-system's accounts"),
        pytest.param(MANAGER, "DELETE", LEASE, "kube-controller-manager", id="deleting is no renewal"),
        pytest.param(APP, "PUT", LEASE, "service-accounts", id="anybody else's lease"),
        pytest.param(NODE, "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1",
                     "system-node-high", id="node lease"),
        pytest.param(NODE, "PATCH", "/api/v1/nodes/n1/status", "system-node-high", id="node status"),
        pytest.param(NODE, "GET", "/api/v1/nodes/n1/proxy", "system-nodes", id="another subresource of a node"),
        pytest.param(NODE, "GET", "/api/v1/pods", "system-nodes", id="node's pods"),
        pytest.param(NODE, "GET", "/version", "system-nodes", id="node's path"),
        pytest.param(MANAGER, "GET", "/api/v1/pods", "kube-controller-manager", id="manager"),
        pytest.param(SCHEDULER, "GET", "/api/v1/pods", "kube-scheduler", id="scheduler"),
        pytest.param(PROXY, "GET", "/api/v1/services", "kube-system-service-accounts", id="kube-system account"),
        pytest.param(APP, "GET", "/api/v1/pods", "service-accounts", id="account"),
        pytest.param(user("jane"), "GET", "/api/v1/pods", "global-default", id="person"),
        pytest.param(User("odd"), "GET", "/api/v1/pods", None, id="in no group at all"),
    ],
)  # fmt: skip
def test_the_schema_of_a_request(who: User, method: str, path: str, expected: str | None) -> None:
    info = parse_request_info(method, path, Query(""))
    assert next((one.metadata.name for one in SCHEMAS if matches(one, who, info)), None) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [("exempt", ""), ("service-accounts", APP.name), ("kube-scheduler", "shop")],
)
def test_what_tells_flows_apart(schema: str, expected: str) -> None:
    info = parse_request_info("GET", "/api/v1/namespaces/shop/pods", Query(""))
    found = next(one for one in SCHEMAS if one.metadata.name == schema)
    assert distinguisher(found, APP, info) == expected


def test_schemas_of_one_precedence_are_asked_by_name() -> None:
    names = [one.metadata.name for one in SCHEMAS]
    assert names[0] == "exempt" and names[-1] == "catch-all"
    assert names.index("kube-controller-manager") + 1 == names.index("kube-scheduler")


@pytest.mark.parametrize(
    ("value", "queues", "size", "expected"),
    [
        pytest.param(0, 8, 3, (0, 1, 2), id="always the first card that is left"),
        pytest.param(7, 8, 2, (7, 0), id="the last one, then the first"),
        pytest.param(7 + 8 * 6, 8, 2, (7, 6), id="the last, and the last that is left"),
        pytest.param(3 + 8 * 3 + 8 * 7 * 3, 8, 3, (3, 4, 5), id="in the place of a card that is gone"),
        pytest.param(5 + 8 * 2 + 8 * 7 * 4, 8, 3, (5, 2, 6), id="after one that is gone and before another"),
        pytest.param(9_999_999, 10_000_000, 2, (9_999_999, 0), id="as many queues as a level may have"),
    ],
)
def test_deal(value: int, queues: int, size: int, expected: tuple[int, ...]) -> None:
    assert deal(value, queues, size) == expected


@given(st.integers(0, 2**64 - 1), st.integers(1, 128), st.data())
def test_a_hand_is_of_different_queues(value: int, queues: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, min(queues, 8)))
    hand = deal(value, queues, size)
    assert len(set(hand)) == size and all(0 <= card < queues for card in hand)


def test_a_flow_is_known_by_schema_and_distinguisher() -> None:
    hashes = {flow_hash("a", "bc"), flow_hash("ab", "c"), flow_hash("abc", ""), flow_hash("a", "bd")}
    assert len(hashes) == 4 and all(0 <= value < 2**64 for value in hashes)


@pytest.mark.parametrize(
    ("method", "path", "query", "objects", "expected"),
    [
        pytest.param("GET", "/api/v1/pods", "", 0, 1, id="nothing to list"),
        pytest.param("GET", "/api/v1/pods", "", 100, 1, id="a hundred"),
        pytest.param("GET", "/api/v1/pods", "", 101, 2, id="one more"),
        pytest.param("GET", "/api/v1/pods", "", 5000, 10, id="as wide as it gets"),
        pytest.param("GET", "/api/v1/pods", "fieldSelector=metadata.name%3Da", 5000, 1, id="one by selector"),
        pytest.param("GET", "/api/v1/namespaces/a/pods/b", "", 5000, 1, id="get"),
        pytest.param("POST", "/api/v1/namespaces/a/pods", "", 5000, 1, id="write"),
        pytest.param("GET", "/api/v1/pods", "watch=1&resourceVersion=7", 5000, 1, id="watch from a version"),
        pytest.param("GET", "/api/v1/pods", "watch=1", 300, 3, id="watch from the beginning"),
        pytest.param("GET", "/api/v1/pods", "watch=1&resourceVersion=7&sendInitialEvents=true", 300, 3,
                     id="watch list"),
        pytest.param("GET", "/healthz", "", 300, 1, id="no resource"),
    ],
)  # fmt: skip
def test_seats_of(method: str, path: str, query: str, objects: int, expected: int) -> None:
    info = parse_request_info(method, path, Query(query))
    assert seats_of(info, Query(query), lambda *_: objects, 10) == expected


@pytest.mark.parametrize(
    ("nominal", "hand", "expected"), [(245, 6, 10), (25, 6, 4), (49, 6, 8), (3, 6, 1), (13, 0, 10)]
)
def test_the_widest_request_leaves_room(nominal: int, hand: int, expected: int) -> None:
    assert widest_request(nominal, hand) == expected
