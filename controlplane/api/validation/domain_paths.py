"""Names of controllers and drivers that begin with a domain: acme.io/ingress-controller."""

from __future__ import annotations

import re

from controlplane.api import names
from controlplane.api.status import FieldError
from controlplane.api.validation.errors import checked, invalid, required

_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def validate_domain_prefixed_path(path: str, value: str) -> list[FieldError]:
    if not value:
        return [required(path)]
    host, _, rest = value.partition("/")
    if not host or not rest:
        return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    errors = checked(path, host, names.dns1123_subdomain(host))
    if not re.fullmatch(_PATH, rest):
        errors.append(invalid(path, rest, names.pattern("Invalid path", _PATH)))
    return errors
