"""Every certificate of a control plane verifies, for what it is meant for, by an independent implementation."""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from controlplane.kit.clock import ManualClock
from controlplane.pki import csr, files, kubeconfig, pin, tokens
from controlplane.pki.cluster import ClusterFiles, subject_alternative_names
from controlplane.pki.issue import LEAF_LIFETIME, Leaf, Pair, issue, load_pair, new_authority, new_key
from controlplane.pki.plan import Endpoint, apiserver_names, split_host_port

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
ENDPOINT = Endpoint("master", "192.168.56.10", extra_sans=("api.example.com", "10.1.2.3"))


def verify_server(certificate: x509.Certificate, authority: Pair, name: str, at: datetime = NOW) -> None:
    policy = PolicyBuilder().store(Store([authority.certificate])).time(at)
    try:
        subject: x509.DNSName | x509.IPAddress = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    policy.build_server_verifier(subject).verify(certificate, [])


def go_accepts_as_client(certificate: x509.Certificate, authority: Pair) -> bool:
    """The web profile wants a name in client certificates; Kubernetes' have none, so check what Go checks."""
    certificate.verify_directly_issued_by(authority.certificate)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return x509.ExtendedKeyUsageOID.CLIENT_AUTH in usages


@pytest.fixture
def cluster(tmp_path: Path) -> ClusterFiles:
    cluster = ClusterFiles(tmp_path / "sampan")
    cluster.create_missing(ENDPOINT, NOW)
    return cluster


@pytest.mark.parametrize(
    "name",
    [
        "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "localhost", "127.0.0.1", "10.96.0.1", "192.168.56.10", "master", "api.example.com", "10.1.2.3",
    ],
)  # fmt: skip
def test_apiserver_certificate_is_good_for_every_name_clients_use(cluster: ClusterFiles, name: str) -> None:
    verify_server(files.read_pair(cluster.pki, "apiserver").certificate, cluster.authority(), name)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        pytest.param("example.org", NOW, id="another name"),
        pytest.param("kubernetes", NOW + LEAF_LIFETIME + timedelta(seconds=1), id="after a year"),
        pytest.param("kubernetes", NOW - timedelta(minutes=6), id="long before it was made"),
    ],
)
def test_apiserver_certificate_is_refused(cluster: ClusterFiles, name: str, at: datetime) -> None:
    with pytest.raises(VerificationError):
        verify_server(files.read_pair(cluster.pki, "apiserver").certificate, cluster.authority(), name, at)


def test_certificates_are_backdated_for_slow_clocks(cluster: ClusterFiles) -> None:
    verify_server(
        files.read_pair(cluster.pki, "apiserver").certificate,
        cluster.authority(),
        "kubernetes",
        NOW - timedelta(minutes=4),
    )


@pytest.mark.parametrize("name", ["etcd/server", "etcd/peer"])
def test_an_etcd_serves_on_loopback_and_the_advertised_address(cluster: ClusterFiles, name: str) -> None:
    for address in ("localhost", "master", "127.0.0.1", "192.168.56.10"):
        verify_server(files.read_pair(cluster.pki, name).certificate, cluster.authority("etcd/ca"), address)


@pytest.mark.parametrize("name", ["controller-manager", "scheduler"])
def test_components_serve_on_loopback_and_the_advertised_address(cluster: ClusterFiles, name: str) -> None:
    for address in ("localhost", "127.0.0.1", "192.168.56.10"):
        verify_server(files.read_pair(cluster.pki, name).certificate, cluster.authority(), address)


@pytest.mark.parametrize(
    ("name", "authority"),
    [
        ("apiserver-kubelet-client", "ca"),
        ("front-proxy-client", "front-proxy-ca"),
        ("apiserver-etcd-client", "etcd/ca"),
        ("etcd/healthcheck-client", "etcd/ca"),
        ("etcd/server", "etcd/ca"),
        ("etcd/peer", "etcd/ca"),
    ],
)
def test_client_certificates_are_of_their_authority(cluster: ClusterFiles, name: str, authority: str) -> None:
    assert go_accepts_as_client(files.read_pair(cluster.pki, name).certificate, cluster.authority(authority))


@pytest.mark.parametrize(
    ("file", "subject", "server"),
    [
        ("admin.conf", "CN=kubernetes-admin,O=kubeadm:cluster-admins", "https://192.168.56.10:6443"),
        ("super-admin.conf", "CN=kubernetes-super-admin,O=system:masters", "https://192.168.56.10:6443"),
        ("controller-manager.conf", "CN=system:kube-controller-manager", "https://192.168.56.10:6443"),
        ("scheduler.conf", "CN=system:kube-scheduler", "https://192.168.56.10:6443"),
    ],
)
def test_kubeconfigs_carry_everything(cluster: ClusterFiles, file: str, subject: str, server: str) -> None:
    text = (cluster.config / file).read_text()
    certificate = kubeconfig.client_certificate(text)
    assert certificate is not None
    assert certificate.subject.rfc4514_string() == subject
    assert go_accepts_as_client(certificate, cluster.authority())
    assert yaml.safe_load(text)["clusters"][0]["cluster"]["server"] == server


def test_nobody_else_reads_secrets(cluster: ClusterFiles) -> None:
    secret = [*cluster.pki.rglob("*.key"), *cluster.config.glob("*.conf")]
    assert len(secret) == 9 + 4 + 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_a_second_run_changes_nothing(cluster: ClusterFiles) -> None:
    before = {path: path.read_bytes() for path in cluster.config.rglob("*") if path.is_file()}
    assert cluster.create_missing(ENDPOINT, NOW + timedelta(days=1)) == []
    assert {path: path.read_bytes() for path in before} == before


def test_a_new_address_goes_into_certificates_and_kubeconfigs(cluster: ClusterFiles) -> None:
    moved = Endpoint("master", "192.168.56.99")
    assert cluster.create_missing(moved, NOW) == [
        "apiserver",
        "controller-manager",
        "scheduler",
        "etcd/server",
        "etcd/peer",
        "admin.conf",
        "super-admin.conf",
        "controller-manager.conf",
        "scheduler.conf",
    ]
    verify_server(files.read_pair(cluster.pki, "apiserver").certificate, cluster.authority(), "192.168.56.99")


def test_renewing_gives_another_year_to_leaves(cluster: ClusterFiles) -> None:
    later = NOW + timedelta(days=300)
    for expiry in list(cluster.expiries()):
        if expiry.authority:
            cluster.renew(expiry.name, ENDPOINT, later)
    assert {expiry.expires for expiry in cluster.expiries() if expiry.authority} == {later + LEAF_LIFETIME}
    assert {expiry.name for expiry in cluster.expiries() if not expiry.authority} == {
        "ca",
        "front-proxy-ca",
        "etcd/ca",
    }


def test_a_leaf_never_outlives_its_authority() -> None:
    authority = new_authority("kubernetes", NOW)
    pair = issue(Leaf("late"), authority, NOW + timedelta(days=3600))
    assert pair.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_keys_of_others_are_refused() -> None:
    authority = new_authority("kubernetes", NOW)
    with pytest.raises(ValueError, match="another key"):
        load_pair(authority.certificate_pem, new_authority("kubernetes", NOW).key_pem)


def test_a_request_is_signed_with_its_names_for_its_key() -> None:
    authority, key = new_authority("kubernetes", NOW), new_key()
    request = csr.der_of(csr.make(Leaf("system:node:n1", ("system:nodes",), ("n1",)), key))
    signed = csr.sign(request, authority, ["digital signature", "server auth"], timedelta(hours=1), ManualClock(NOW))
    certificate = x509.load_pem_x509_certificate(signed)
    verify_server(certificate, authority, "n1")
    assert certificate.public_key() == key.public_key()
    assert certificate.not_valid_after_utc == NOW + timedelta(hours=1)
    assert subject_alternative_names(certificate) == {"n1"}


def test_a_request_says_what_it_wants() -> None:
    wanted = csr.read(csr.der_of(csr.make(Leaf("system:node:n1", ("system:nodes",)), new_key())))
    assert (wanted.common_name, wanted.organizations, wanted.dns_names) == ("system:node:n1", ("system:nodes",), ())


@pytest.mark.parametrize("position", [60, 150, -5])
def test_a_tampered_request_is_refused(position: int) -> None:
    request = bytearray(csr.der_of(csr.make(Leaf("system:node:n1", ("system:nodes",)), new_key())))
    request[position] ^= 1
    with pytest.raises(csr.BadRequestForCertificate):
        csr.sign(bytes(request), new_authority("ca", NOW), ["client auth"], timedelta(hours=1), ManualClock(NOW))


def test_the_pin_is_of_the_key_and_not_of_the_certificate() -> None:
    authority = new_authority("kubernetes", NOW)
    assert pin.pin_of_pem(authority.certificate_pem) == pin.pin(authority.certificate)
    assert pin.pin(authority.certificate).startswith("sha256:")
    assert len(pin.pin(authority.certificate)) == len("sha256:") + 64


@pytest.mark.parametrize("text", ["", "abcdef", "abcdef.0123", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdef\n"])
def test_other_texts_are_no_tokens(text: str) -> None:
    with pytest.raises(ValueError, match="was not of the form"):
        tokens.parse(text)


def test_a_new_token_has_the_form() -> None:
    token = tokens.generate()
    assert tokens.parse(str(token)) == token
    assert tokens.secret_data(token, expires=NOW)["expiration"] == "2026-11-21T06:30:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lb.example.com", ("lb.example.com", 6443)),
        ("lb.example.com:8443", ("lb.example.com", 8443)),
        ("[fd00::1]:8443", ("fd00::1", 8443)),
        ("fd00::1", ("fd00::1", 6443)),
    ],
)
def test_control_plane_endpoints(text: str, expected: tuple[str, int]) -> None:
    assert split_host_port(text, 6443) == expected


def test_an_endpoint_of_ipv6_is_written_in_brackets() -> None:
    endpoint = Endpoint("master", "fd00::10")
    assert endpoint.server == "https://[fd00::10]:6443"
    assert "fd00::10" in apiserver_names(endpoint)


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.key"
    files.write(path, b"old", files.SECRET)

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(files.FileError, match="No space left"):
        files.write(path, b"new", files.SECRET)
    assert path.read_bytes() == b"old"
