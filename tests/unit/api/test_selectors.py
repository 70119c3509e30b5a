"""Label and field selectors, as text and as objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.api.field_labels import check_field_selector, selectable_fields
from controlplane.api.meta_v1 import LabelSelector, LabelSelectorRequirement
from controlplane.api.resources import BY_KIND
from controlplane.api.selectors import (
    SelectorError,
    label_selector,
    labels_selector,
    parse_field_selector,
    parse_label_selector,
)

WEB = {"app": "web", "tier": "front", "weight": "7"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", True, id="everything"),
        pytest.param("app=web", True, id="equal"),
        pytest.param("app==web", True, id="equal, twice"),
        pytest.param("app=db", False, id="not equal"),
        pytest.param("app!=db", True, id="different"),
        pytest.param("old!=yes", True, id="absent is different"),
        pytest.param("app", True, id="exists"),
        pytest.param("!app", False, id="must not exist"),
        pytest.param("! old", True, id="does not exist"),
        pytest.param("tier in (back, front)", True, id="one of"),
        pytest.param("tier notin (back,front)", False, id="none of"),
        pytest.param("old notin (a)", True, id="absent is none of"),
        pytest.param("weight>5,weight<8", True, id="between"),
        pytest.param("tier>5", False, id="no number"),
        pytest.param("app=web,tier=back", False, id="all must hold"),
        pytest.param("app=", False, id="the empty value"),
        pytest.param("example.com/x=y", False, id="prefixed key"),
    ],
)
def test_labels(text: str, expected: bool) -> None:
    assert parse_label_selector(text).matches(WEB) is expected


@pytest.mark.parametrize(
    "text", ["a=b=c", "a,", "=", "a in x", "a b", "a in (b", "!", "a=_", "-a", "a>b", ",a", "a in (b c)"]
)
def test_unreadable_label_selector(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_label_selector(text)


KEYS = st.from_regex(r"[a-z]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True).filter(lambda key: key not in ("in", "notin"))
TERMS = st.one_of(
    st.builds("{}={}".format, KEYS, KEYS),
    st.builds("{}!={}".format, KEYS, KEYS),
    st.builds(lambda key, values: f"{key} in ({','.join(values)})", KEYS, st.lists(KEYS, min_size=1)),
    st.builds(lambda key, values: f"{key} notin ({','.join(values)})", KEYS, st.lists(KEYS, min_size=1)),
    KEYS,
    KEYS.map("!{}".format),
)


@given(st.lists(TERMS).map(",".join), st.dictionaries(KEYS, KEYS))
def test_a_selector_written_out_means_the_same(text: str, labels: dict[str, str]) -> None:
    selector = parse_label_selector(text)
    again = parse_label_selector(str(selector))
    assert again.matches(labels) == selector.matches(labels)
    assert str(again) == str(selector)


@given(st.text(alphabet="ab=!,()<> in/.", max_size=14))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_label_selector(text).matches({"a": "b"})
    except SelectorError as error:
        assert str(error)


def _requirement(operator: str, *values: str) -> LabelSelector:
    return LabelSelector(match_expressions=[LabelSelectorRequirement(key="tier", operator=operator, values=[*values])])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param(None, False, id="none matches nothing"),
        pytest.param(LabelSelector(), True, id="empty matches everything"),
        pytest.param(LabelSelector(match_labels={"app": "web"}), True, id="labels"),
        pytest.param(LabelSelector(match_labels={"app": "db"}), False, id="other labels"),
        pytest.param(_requirement("In", "front"), True, id="In"),
        pytest.param(_requirement("NotIn", "front"), False, id="NotIn"),
        pytest.param(_requirement("Exists"), True, id="Exists"),
        pytest.param(_requirement("DoesNotExist"), False, id="DoesNotExist"),
    ],
)
def test_selector_objects(selector: LabelSelector | None, expected: bool) -> None:
    assert label_selector(selector).matches(WEB) is expected


def test_unknown_operator_of_a_selector_object() -> None:
    with pytest.raises(SelectorError, match='"Like" is not a valid label selector operator'):
        label_selector(_requirement("Like", "x"))


def test_labels_of_a_service_select() -> None:
    assert str(labels_selector({"b": "2", "a": "1"})) == "a=1,b=2"


POD = {
    "metadata": {"name": "web-0", "namespace": "shop"},
    "spec": {"nodeName": "n1", "hostNetwork": True},
    "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.2"}, {"ip": "fd00::2"}]},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", True, id="everything"),
        pytest.param("metadata.name=web-0", True, id="name"),
        pytest.param("spec.nodeName=n1,status.phase!=Failed", True, id="two terms"),
        pytest.param("spec.nodeName==n2", False, id="another node"),
        pytest.param("spec.hostNetwork=true", True, id="a boolean"),
        pytest.param("status.nominatedNodeName=", True, id="absent is empty"),
        pytest.param(r"metadata.name=a\,b", False, id="escaped comma"),
    ],
)
def test_fields(text: str, expected: bool) -> None:
    assert parse_field_selector(text).matches(selectable_fields(BY_KIND["v1", "Pod"], POD)) is expected


def test_field_selector_names_its_one_value() -> None:
    selector = parse_field_selector(r"metadata.name=a\,b,spec.nodeName!=n1")
    assert (selector.exact("metadata.name"), selector.exact("spec.nodeName")) == ("a,b", None)
    assert str(selector) == r"metadata.name=a\,b,spec.nodeName!=n1"


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        pytest.param(("v1", "Pod"), "spec.foo=x", "field label not supported: spec.foo", id="a pod's"),
        pytest.param(
            ("v1", "ConfigMap"),
            "data.a=x",
            '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
            id="a kind without fields of its own",
        ),
        pytest.param(
            ("v1", "Pod"), "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'", id="no term"
        ),
    ],
)
def test_unsupported_field(kind: tuple[str, str], text: str, why: str) -> None:
    with pytest.raises(SelectorError) as caught:
        check_field_selector(BY_KIND[kind], parse_field_selector(text))
    assert str(caught.value) == why


def test_old_name_of_a_field() -> None:
    checked = check_field_selector(BY_KIND["v1", "Pod"], parse_field_selector("spec.host=n1"))
    assert str(checked) == "spec.nodeName=n1"
