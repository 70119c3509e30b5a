"""The order of mutating plug-ins, their second round, and what changing an object in place means."""

from __future__ import annotations

import pytest

from controlplane.admission.interface import Attributes, Chain, Operation, Plugin
from controlplane.api.resources import BY_KIND
from controlplane.api.status import BadRequest, InternalError
from controlplane.auth.interface import User


def asked() -> Attributes:
    document = {"metadata": {"name": "a", "namespace": "shop"}, "data": {}}
    return Attributes(Operation.CREATE, BY_KIND["v1", "ConfigMap"], "a", User("jane"), "shop", document=document)


class Noting(Plugin):
    """Notes that it ran; asks for a second round if it is told to."""

    def __init__(self, name: str, ran: list[str], again: bool = False):
        self.name, self._ran, self._again = name, ran, again

    async def mutate(self, attributes: Attributes) -> None:
        self._ran.append(f"{self.name}{2 if attributes.rounds.second else 1}")
        attributes.rounds.again = attributes.rounds.again or self._again


@pytest.mark.parametrize(("again", "ran"), [(False, ["a1", "b1"]), (True, ["a1", "b1", "a2", "b2"])])
async def test_rounds(again: bool, ran: list[str]) -> None:
    seen: list[str] = []
    await Chain([Noting("a", seen), Noting("b", seen, again)]).mutate(asked())
    assert seen == ran


def test_an_object_is_replaced_where_it_is() -> None:
    attributes = asked()
    document = attributes.document
    assert document is not None
    metadata = document["metadata"]
    attributes.default = lambda new: new.setdefault("immutable", False)
    attributes.replace({"metadata": {"name": "a", "namespace": "shop", "labels": {"x": "y"}}, "data": {"k": "v"}})
    assert attributes.document is document
    assert document == {
        "metadata": {"name": "a", "namespace": "shop", "labels": {"x": "y"}},
        "data": {"k": "v"},
        "immutable": False,
    }
    assert document["metadata"] is metadata


def test_an_object_stays_in_its_namespace() -> None:
    with pytest.raises(BadRequest, match="namespace of the provided object does not match"):
        asked().replace({"metadata": {"name": "a", "namespace": "other"}})


def test_metadata_is_an_object() -> None:
    with pytest.raises(InternalError):
        asked().replace({"metadata": []})
