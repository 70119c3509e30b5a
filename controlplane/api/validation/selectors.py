"""Label selectors as objects write them."""

from __future__ import annotations

from collections.abc import Iterator

from controlplane.api import names
from controlplane.api.meta_v1 import LabelSelector, LabelSelectorRequirement
from controlplane.api.selectors import SelectorError, label_selector
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, forbidden, invalid, required
from controlplane.api.validation.metadata import validate_labels


def validate_selector(selector: LabelSelector | None, path: str) -> Iterator[FieldError]:
    if selector is None:
        return
    yield from validate_labels(selector.match_labels, f"{path}.matchLabels")
    for index, requirement in enumerate(selector.match_expressions):
        yield from _validate_requirement(requirement, f"{path}.matchExpressions[{index}]")


def _validate_requirement(requirement: LabelSelectorRequirement, path: str) -> Iterator[FieldError]:
    if requirement.operator in ("In", "NotIn"):
        if not requirement.values:
            yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif requirement.operator in ("Exists", "DoesNotExist"):
        if requirement.values:
            yield forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield invalid(f"{path}.operator", requirement.operator, "not a valid selector operator")
    yield from checked(f"{path}.key", requirement.key, names.qualified_name(requirement.key))
    for index, value in enumerate(requirement.values):
        yield from checked(f"{path}.values[{index}]", value, names.label_value(value))


def validate_workload_selector(
    selector: LabelSelector | None, labels: dict[str, str], path: str, empty: str
) -> Iterator[FieldError]:
    """A workload's selector must be there, select something, and select the workload's own pods."""
    if selector is None:
        yield required(f"{path}.selector")
    else:
        yield from validate_selector(selector, f"{path}.selector")
        if not selector.match_labels and not selector.match_expressions:
            yield invalid(f"{path}.selector", selector, empty)
    try:
        matches = label_selector(selector).matches(labels)
    except SelectorError:
        return  # said above, at the very field
    if not matches:
        why = "`selector` does not match template `labels`"
        yield invalid(f"{path}.template.metadata.labels", labels or None, why)
