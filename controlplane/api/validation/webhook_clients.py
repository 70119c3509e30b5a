"""What is asked of every webhook, for admission or for conversion: where it is, and which reviews it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import SplitResult, urlsplit

from controlplane.api import names
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import invalid, required
from controlplane.api.webhook_clients import ClientConfig, ServiceReference

REVIEWS = ("v1", "v1beta1")
_FORM = "; desired format: https://host[/path]"


def is_readable(versions: Sequence[str]) -> bool:
    """Return whether this server speaks one of a webhook's versions; one that names none is not to blame for it."""
    return not versions or any(version in REVIEWS for version in versions)


def validate_review_versions(versions: Sequence[str], path: str, *, readable: bool = True) -> Iterator[FieldError]:
    """Return what is wrong with versions; `readable`: one of them must be ours."""
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(f"{path}[{index}]", version, "duplicate version")
            continue
        for problem in names.dns1035_label(version):
            yield invalid(f"{path}[{index}]", version, problem)
    if readable and not is_readable(versions):
        yield invalid(path, list(versions), f"must include at least one of {', '.join(REVIEWS)}")


def validate_client(client: ClientConfig, path: str) -> Iterator[FieldError]:
    if bool(client.url) == (client.service is not None):
        yield required(path, "exactly one of url or service is required")
    elif client.service is not None:
        yield from _validate_service(client.service, f"{path}.service")
    else:
        yield from _validate_url(client.url, f"{path}.url")


def _validate_url(url: str, path: str) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}{_FORM}")
        return
    yield from _validate_url_parts(parts, path)


def _validate_url_parts(parts: SplitResult, path: str) -> Iterator[FieldError]:
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        yield invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not host:
        yield invalid(path, host, f"host must be specified{_FORM}")
    if at:
        yield invalid(path, user, "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid(path, parts.query, "query parameters are not permitted in the URL")


def _validate_service(service: ServiceReference, path: str) -> Iterator[FieldError]:
    if not service.name:
        yield required(f"{path}.name")
    if not service.namespace:
        yield required(f"{path}.namespace")
    if problems := names.port_number(service.port or 0):
        yield invalid(f"{path}.port", service.port or 0, f"port is not valid: {', '.join(problems)}")
    yield from _validate_url_path(service.path, f"{path}.path")


def _validate_url_path(url: str, path: str) -> Iterator[FieldError]:
    if url in ("", "/"):
        return
    if url == "//":
        yield invalid(path, url, "segment[0] may not be empty")
        return
    if not url.startswith("/"):
        yield invalid(path, url, "must start with a '/'")
    for index, step in enumerate(url[1:].removesuffix("/").split("/")):
        if not step:
            yield invalid(path, url, f"segment[{index}] may not be empty")
            continue
        for problem in names.dns1123_subdomain(step):
            yield invalid(path, url, f"segment[{index}]: {problem}")
