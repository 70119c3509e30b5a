"""The folder of a control plane: making what is missing, telling what expires, renewing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from controlplane.pki import files, kubeconfig
from controlplane.pki.issue import Pair, issue, key_pem, new_authority, new_key, public_key_pem
from controlplane.pki.plan import AUTHORITIES, CA, Endpoint, PlannedKubeconfig, authority_of, certificates, kubeconfigs


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a certificate ends; `authority` is empty for authorities themselves."""

    name: str
    expires: datetime
    authority: str = ""


class ClusterFiles:
    """`<config>/pki/*`, `<config>/pki/etcd/*` and `<config>/*.conf`."""

    def __init__(self, config: Path):
        self.config, self.pki = config, config / "pki"

    def authority(self, name: str = CA) -> Pair:
        """Return an authority of the cluster. Raises FileError."""
        return files.read_pair(self.pki, name)

    @property
    def ca_pem(self) -> bytes:
        return files.read(self.pki / "ca.crt")

    def create_missing(self, endpoint: Endpoint, now: datetime, *, kubeconfig_files: bool = True) -> list[str]:
        """Make every file that is not there, and the API server's certificate again if it lacks a name; return which.

        Running twice changes nothing. Raises FileError.
        """
        files.make_folder(self.config)
        files.make_folder(self.pki)
        files.make_folder(self.pki / "etcd")
        made = [name for name in AUTHORITIES if self._create_authority(name, now)]
        for name in certificates(endpoint):
            if not (self.pki / f"{name}.crt").exists() or self._lacks_names(name, endpoint):
                self.renew_certificate(name, endpoint, now)
                made.append(name)
        if not (self.pki / "sa.key").exists():
            key = new_key()
            files.write(self.pki / "sa.key", key_pem(key), files.SECRET)
            files.write(self.pki / "sa.pub", public_key_pem(key))
            made.append("sa")
        for name, planned in kubeconfigs().items() if kubeconfig_files else ():
            if not (self.config / name).exists() or self._leads_elsewhere(name, planned, endpoint):
                self._write_kubeconfig(name, planned, endpoint, now)
                made.append(name)
        return made

    def renew_certificate(self, name: str, endpoint: Endpoint, now: datetime) -> None:
        """Make a certificate again, with a new key."""
        planned = certificates(endpoint)[name]
        files.write_pair(self.pki, name, issue(planned.leaf, self.authority(planned.authority), now))

    def renew(self, name: str, endpoint: Endpoint, now: datetime) -> None:
        """Make a certificate, or the one inside a kubeconfig, again. Raises KeyError for an unknown name."""
        if name in kubeconfigs():
            self._write_kubeconfig(name, kubeconfigs()[name], endpoint, now)
        else:
            self.renew_certificate(name, endpoint, now)

    def expiries(self) -> Iterator[Expiry]:
        """Yield when each certificate ends, leaves first. Raises FileError."""
        for name in kubeconfigs():
            if (self.config / name).exists() and (certificate := self._inside(name)) is not None:
                yield Expiry(name, certificate.not_valid_after_utc, CA)
        for path in sorted(self.pki.rglob("*.crt")):
            name = str(path.relative_to(self.pki).with_suffix(""))
            if name not in AUTHORITIES:
                yield Expiry(name, self._load(path).not_valid_after_utc, authority_of(name))
        for name in AUTHORITIES:
            if (path := self.pki / f"{name}.crt").exists():
                yield Expiry(name, self._load(path).not_valid_after_utc)

    def user_kubeconfig(self, planned: PlannedKubeconfig, endpoint: Endpoint, now: datetime) -> str:
        """Return a kubeconfig for a new certificate."""
        pair = issue(planned.leaf, self.authority(), now)
        return kubeconfig.render(_server(planned, endpoint), self.ca_pem, planned.user, pair=pair)

    def _write_kubeconfig(self, name: str, planned: PlannedKubeconfig, endpoint: Endpoint, now: datetime) -> None:
        files.write(self.config / name, self.user_kubeconfig(planned, endpoint, now), files.SECRET)

    def _create_authority(self, name: str, now: datetime) -> bool:
        if (self.pki / f"{name}.crt").exists():
            return False
        files.write_pair(self.pki, name, new_authority(AUTHORITIES[name], now))
        return True

    def _lacks_names(self, name: str, endpoint: Endpoint) -> bool:
        """An address that changed must not end the cluster: the certificate is made again with the new one."""
        leaf = certificates(endpoint)[name].leaf
        wanted = {*leaf.dns_names, *leaf.addresses}
        return bool(wanted) and not wanted <= subject_alternative_names(self._load(self.pki / f"{name}.crt"))

    def _leads_elsewhere(self, name: str, planned: PlannedKubeconfig, endpoint: Endpoint) -> bool:
        try:
            return kubeconfig.server_of(files.read(self.config / name).decode()) != _server(planned, endpoint)
        except ValueError as error:
            raise files.FileError(f"{self.config / name} cannot be used: {error}") from error

    def _inside(self, name: str) -> x509.Certificate | None:
        try:
            return kubeconfig.client_certificate(files.read(self.config / name).decode())
        except ValueError as error:
            raise files.FileError(f"{self.config / name} cannot be used: {error}") from error

    def _load(self, path: Path) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(files.read(path))
        except ValueError as error:
            raise files.FileError(f"{path} is not a certificate in PEM") from error


def _server(planned: PlannedKubeconfig, endpoint: Endpoint) -> str:
    return endpoint.local_server if planned.local else endpoint.server


def subject_alternative_names(certificate: x509.Certificate) -> set[str]:
    """Return the DNS names and addresses a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    dns_names = set(names.get_values_for_type(x509.DNSName))
    return dns_names | {str(address) for address in names.get_values_for_type(x509.IPAddress)}
