"""What may be called what, and what upstream says when it may not."""

from __future__ import annotations

import pytest

from controlplane.api import names

LABEL = "a lowercase RFC 1123 label must consist of"
SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of"
KEY = "name part must consist of alphanumeric characters"


@pytest.mark.parametrize(
    ("check", "text", "problems"),
    [
        pytest.param(names.dns1123_label, "my-name", [], id="label"),
        pytest.param(names.dns1123_label, "a.b", ["must not contain dots"], id="label with dots"),
        pytest.param(names.dns1123_label, "A", [LABEL], id="label in capitals"),
        pytest.param(names.dns1123_label, "a" * 64, ["must be no more than 63 bytes"], id="label too long"),
        pytest.param(names.dns1123_label, "a\n", [LABEL], id="label with a line end"),
        pytest.param(names.dns1123_subdomain, "a.b-c", [], id="subdomain"),
        pytest.param(names.dns1123_subdomain, "a..b", [SUBDOMAIN], id="subdomain with an empty part"),
        pytest.param(names.dns1123_subdomain, "A_b", [SUBDOMAIN], id="subdomain with an underscore"),
        pytest.param(names.dns1035_label, "a-1", [], id="service name"),
        pytest.param(names.dns1035_label, "1a", ["a DNS-1035 label must consist of"], id="service name with a digit"),
        pytest.param(names.path_segment, "system:node", [], id="role name"),
        pytest.param(names.path_segment, "a/b%", ["may not contain '/'", "may not contain '%'"], id="not one segment"),
        pytest.param(names.path_segment, "..", ["may not be '..'"], id="a way up"),
        pytest.param(names.qualified_name, "example.com/my.Name_1", [], id="key with prefix"),
        pytest.param(names.qualified_name, "", ["name part must be non-empty", KEY], id="empty key"),
        pytest.param(names.qualified_name, "/a", ["prefix part must be non-empty"], id="empty prefix"),
        pytest.param(names.qualified_name, "A/a", [f"prefix part {SUBDOMAIN}"], id="bad prefix"),
        pytest.param(names.qualified_name, "a/b/c", ["a valid label key must consist of"], id="two slashes"),
        pytest.param(names.label_value, "", [], id="empty label value"),
        pytest.param(names.label_value, "-a", ["a valid label must be an empty string or"], id="label value"),
        pytest.param(names.config_key, "app.conf", [], id="config key"),
        pytest.param(names.config_key, "..", ["must not be '..'"], id="config key that climbs"),
        pytest.param(names.config_key, "a/b", ["a valid config key must consist of"], id="config key with a slash"),
        pytest.param(names.env_name, "my var:1", [], id="nearly any variable"),
        pytest.param(names.env_name, "a=b", ["a valid environment variable name must"], id="variable with ="),
        pytest.param(names.port_name, "http-1", [], id="port name"),
        pytest.param(names.port_name, "a--b", ["must not contain consecutive hyphens"], id="port name, hyphens"),
        pytest.param(names.port_name, "80", ["must contain at least one letter"], id="port name, digits"),
        pytest.param(names.port_name, "a" * 16, ["must be no more than 15 bytes"], id="port name, too long"),
        pytest.param(names.percent, "25%", [], id="percent"),
        pytest.param(names.percent, "25", ["a valid percent string must be"], id="no percent"),
        pytest.param(names.ip_address, "2001:db8::1", [], id="address"),
        pytest.param(names.ip_address, "1.2.3", ["must be a valid IP address"], id="no address"),
        pytest.param(names.cidr, "10.0.0.1", ["must be a valid CIDR value"], id="address instead of range"),
    ],
)
def test_check(check: names.Check, text: str, problems: list[str]) -> None:
    found = check(text)
    assert len(found) == len(problems), found
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True)), found


def test_messages_are_upstreams_to_the_letter() -> None:
    assert names.dns1123_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]


@pytest.mark.parametrize(
    ("prefix", "judged"),
    [
        pytest.param("web-", "weba", id="a dash that more will follow"),
        pytest.param("web", "web", id="no dash"),
        pytest.param("-", "-", id="nothing but a dash"),
    ],
)
def test_generate_name_prefix(prefix: str, judged: str) -> None:
    assert names.without_trailing_dash(prefix) == judged
