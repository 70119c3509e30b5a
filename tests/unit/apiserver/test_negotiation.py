"""Accept headers, and the gzip that goes with them."""

from __future__ import annotations

import gzip

import pytest

from controlplane.api.status import NotAcceptable
from controlplane.apiserver.compression import accepts_gzip, compress
from controlplane.apiserver.messages import Response, Stream
from controlplane.apiserver.negotiation import JSON, PROTOBUF, TABLE, YAML, Representation, negotiate

AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("", Representation(JSON), id="nothing"),
        pytest.param("*/*", Representation(JSON), id="anything"),
        pytest.param("application/*", Representation(JSON), id="anything of ours"),
        pytest.param("application/yaml", Representation(YAML), id="yaml"),
        pytest.param("application/vnd.kubernetes.protobuf,application/json", Representation(JSON), id="client-go"),
        pytest.param("application/vnd.kubernetes.protobuf", Representation(PROTOBUF), id="protobuf alone"),
        pytest.param("application/json;q=0.5,application/yaml", Representation(YAML), id="the favourite first"),
        pytest.param(f"{AS_TABLE},application/json", Representation(JSON, TABLE), id="kubectl get"),
        pytest.param(
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io", Representation(JSON, TABLE), id="kubectl of old"
        ),
        pytest.param(
            "application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Representation(JSON), id="next best"
        ),
    ],
)
def test_negotiate(header: str, expected: Representation) -> None:
    assert negotiate(header, (TABLE,)) == expected


@pytest.mark.parametrize("header", ["text/html", "application/cbor", f"{AS_TABLE}x"])
def test_nothing_that_we_have(header: str) -> None:
    with pytest.raises(NotAcceptable, match="only the following media types are accepted: application/json"):
        negotiate(header, (TABLE,))


@pytest.mark.parametrize(
    ("header", "accepted"),
    [("gzip", True), ("deflate, gzip;q=1.0", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False)],
)
def test_accepts_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


async def test_only_large_answers_are_compressed() -> None:
    small, large = Response(200, b"x" * 1000), Response(200, b"x" * 200_000)
    assert await compress(small, "gzip") is small
    assert await compress(large, "") is large
    packed = await compress(large, "gzip")
    assert isinstance(packed, Response)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == large.body


async def test_streams_are_compressed_as_they_come() -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(5):
            yield b"abc" * 1000

    packed = await compress(Stream(200, pieces(), length=15_000, large=True), "gzip")
    assert isinstance(packed, Stream)
    assert packed.length is None
    assert gzip.decompress(b"".join([chunk async for chunk in packed.chunks])) == b"abc" * 5000
