"""init, token, certs, kubeconfig and reset: what they decide, and what they say when they cannot."""

from __future__ import annotations

import argparse
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from controlplane.api.core_v1 import ConfigMap, Namespace, Secret, Service
from controlplane.api.meta_v1 import ObjectMeta
from controlplane.auth.bootstrap_token import user_of
from controlplane.client.client import Client
from controlplane.cmd import (
    backup,
    certs,
    cluster_config,
    cluster_objects,
    init,
    kubeconfig,
    preflight,
    reset,
    restore,
    store,
    token,
)
from controlplane.kit.clock import ManualClock
from controlplane.kit.explained import Explained
from controlplane.pki import kubeconfig as kubeconfig_files
from controlplane.pki.cluster import ClusterFiles, Expiry
from controlplane.pki.pin import pin_of_pem
from controlplane.pki.plan import Endpoint
from controlplane.pki.tokens import BootstrapToken
from tests.fakes.api import FakeApi

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
ENDPOINT = Endpoint("master", "192.168.56.10")
TOKEN = BootstrapToken("abcdef", "0123456789abcdef")
FILES_ONLY = "preflight,start,wait,bootstrap-token,cluster-info,dns"


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command")
    for command in (init, token, certs, kubeconfig, backup, restore, store, reset):
        command.add_parser(commands)
    return parser.parse_args(arguments)


def plan(*arguments: str) -> init.Plan:
    return init.make_plan(parse("init", "--apiserver-advertise-address", "192.168.56.10", *arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--apiserver-advertise-address", "master"], '"master" is not an IP address'),
        (["--apiserver-bind-port", "0"], "0 is not between 1 and 65535"),
        (["--service-cidr", "10.96.0.0"], "DNS has its tenth address"),
        (["--service-cidr", "10.96.0.1/12"], "is not a network such as"),
        (["--service-cidr", "10.96.0.0/29"], "too small"),
        (["--pod-network-cidr", "10.100.0.0/16"], "overlaps --service-cidr 10.96.0.0/12"),
        (["--control-plane-endpoint", "lb:port"], "does not end in a port"),
        (["--token", "abc"], "was not of the form"),
        (["--token-ttl", "soon"], "is not a duration"),
        (["--skip-phases", "certs,coffee"], "there is no phase coffee"),
    ],
)
def test_flags_that_are_wrong_are_told(arguments: list[str], message: str) -> None:
    with pytest.raises(Explained) as refused:
        plan(*arguments)
    assert message in str(refused.value)


def test_all_wrong_flags_are_told_at_once() -> None:
    problems = list(preflight.setting_problems(Endpoint("m", "here", 0, ("nowhere",)), ["10.244.0.0/16"]))
    assert len(problems) == 3


def test_dual_stack_ranges_do_not_overlap() -> None:
    endpoint = Endpoint("m", "10.0.0.1", service_cidrs=("10.96.0.0/12", "fd00:10:96::/112"))
    assert list(preflight.setting_problems(endpoint, ["10.244.0.0/16", "fd00:10:244::/56"])) == []


def test_a_full_disk_and_a_foreign_address_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MIN_FREE_BYTES", 1 << 60)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    problems = list(preflight.machine_problems([], tmp_path / "not" / "there", "192.0.2.77"))
    assert ["no interface of this machine" in problems[0], "MiB free" in problems[1]] == [True, True]


@pytest.mark.parametrize(
    ("config", "data", "problems"),
    [
        pytest.param("/etc/sampan", "/var/lib/sampan", [], id="the usual ones"),
        pytest.param("/etc/sampan", "/var/lib/sampan/blue", [], id="below what the units may write"),
        pytest.param("/etc/blue", "/var/lib/sampan", ["--config-dir /etc/blue"], id="settings that nobody reads"),
        pytest.param("/etc/sampan", "/srv/blue", ["--data-dir /srv/blue"], id="a store that nobody may write"),
    ],
)
def test_folders_that_the_units_do_not_know_are_told(config: str, data: str, problems: list[str]) -> None:
    found = [*preflight.folder_problems(Path(config), Path(data))]
    assert len(found) == len(problems)
    assert all(part in problem for part, problem in zip(problems, found, strict=True))


def test_without_root_nothing_else_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    [problem] = preflight.machine_problems([1], tmp_path, "192.0.2.77")
    assert "must run as root" in problem


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    options = ["--config-dir", str(folder), "--data-dir", str(tmp_path / "lib"), "--skip-phases", FILES_ONLY]
    assert (
        init.run(parse("init", "--apiserver-advertise-address", "192.168.56.10", "--node-name", "master", *options))
        == 0
    )
    return folder


def test_init_writes_all_files(config_dir: Path) -> None:
    assert {path.name for path in config_dir.iterdir()} == {
        "pki", "admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf",
        "apiserver.yaml", "controller-manager.yaml", "scheduler.yaml", "store.yaml", "init.yaml",
    }  # fmt: skip
    settings = yaml.safe_load((config_dir / "apiserver.yaml").read_text())
    assert settings["advertise-address"] == "192.168.56.10"
    for name in ("tls-cert-file", "client-ca-file", "service-account-signing-key-file", "kubelet-client-key"):
        assert Path(settings[name]).exists(), name
        assert Path(settings[name]).is_relative_to(config_dir)
    assert cluster_config.load(config_dir) == ENDPOINT
    controllers = yaml.safe_load((config_dir / "controller-manager.yaml").read_text())
    assert controllers["controllers"] == ["*", "bootstrapsigner", "tokencleaner"]


def test_what_is_secret_is_for_the_owner_only(config_dir: Path) -> None:
    modes = {path.relative_to(config_dir): path.stat().st_mode & 0o777 for path in config_dir.rglob("*.*")}
    secret = {path for path in modes if path.suffix in (".key", ".conf")}
    assert len(secret) >= 10
    assert {modes[path] for path in secret} == {0o600}
    assert (config_dir.parent / "lib").stat().st_mode & 0o777 == 0o700


def test_init_again_keeps_what_was_set_and_follows_the_address(config_dir: Path, tmp_path: Path) -> None:
    settings = config_dir / "apiserver.yaml"
    settings.write_text(settings.read_text().replace("event-ttl: 1h0m0s", "event-ttl: 5m"))
    options = ["--config-dir", str(config_dir), "--data-dir", str(tmp_path / "lib"), "--skip-phases", FILES_ONLY]
    init.run(parse("init", "--apiserver-advertise-address", "192.168.56.20", "--node-name", "master", *options))
    values = yaml.safe_load(settings.read_text())
    assert (values["event-ttl"], values["advertise-address"]) == ("5m", "192.168.56.20")
    assert kubeconfig_files.server_of((config_dir / "admin.conf").read_text()) == "https://192.168.56.20:6443"


def test_the_join_line(config_dir: Path) -> None:
    ca = ClusterFiles(config_dir).ca_pem
    assert cluster_config.join_command(ENDPOINT, str(TOKEN), ca) == (
        "nodeagent join 192.168.56.10:6443 --token abcdef.0123456789abcdef "
        f"--discovery-token-ca-cert-hash {pin_of_pem(ca)}"
    )


def test_the_token_secret_is_one_that_authentication_believes() -> None:
    secret = cluster_objects.token_secret(TOKEN, expires=NOW + timedelta(hours=1))
    data = {key: base64.b64decode(value).decode() for key, value in secret.data.items()}
    user = user_of(data, TOKEN.id, TOKEN.secret, NOW)
    assert user is not None
    assert "system:bootstrappers:kubeadm:default-node-token" in user.groups
    assert user_of(data, TOKEN.id, TOKEN.secret, NOW + timedelta(hours=1)) is None


def test_cluster_info_leads_to_the_cluster_and_names_nobody() -> None:
    info = cluster_objects.cluster_info("https://192.168.56.10:6443", b"PEM")
    loaded = yaml.safe_load(info.data["kubeconfig"])
    assert loaded["clusters"][0]["cluster"]["server"] == "https://192.168.56.10:6443"
    assert loaded["users"] == []


def test_dns_has_the_tenth_address_of_every_range() -> None:
    service = cluster_objects.dns_service(("10.96.0.0/12", "fd00:10:96::/112"))
    assert service.spec is not None
    assert service.spec.cluster_ips == ["10.96.0.10", "fd00:10:96::a"]
    assert service.spec.selector == {}
    assert [(port.name, port.port, port.protocol) for port in service.spec.ports] == [
        ("dns", 53, "UDP"),
        ("dns-tcp", 53, "TCP"),
        ("metrics", 9153, "TCP"),
    ]


async def test_objects_are_created_once(config_dir: Path) -> None:
    clock = ManualClock(NOW)
    api = FakeApi(clock)
    for name in ("kube-system", "kube-public"):
        api.add(Namespace(metadata=ObjectMeta(name=name)))
    made = plan("--token", str(TOKEN), "--config-dir", str(config_dir))
    said = [
        await init.create_once(Client(api), obj, clock)
        for _ in range(2)
        for phase in ("bootstrap-token", "cluster-info", "dns")
        for obj in init.phase_objects(made, phase, NOW)
    ]
    assert said == [
        "created secret kube-system/bootstrap-token-abcdef",
        "created configmap kube-public/cluster-info",
        "created service kube-system/kube-dns",
        "secret kube-system/bootstrap-token-abcdef is there",
        "configmap kube-public/cluster-info is there",
        "service kube-system/kube-dns is there",
    ]
    assert api.get(ConfigMap, "cluster-info", "kube-public") is not None
    assert api.get(Service, "kube-dns", "kube-system") is not None


async def test_tokens_are_made_listed_and_ended() -> None:
    clock = ManualClock(NOW)
    api = FakeApi(clock)
    client = Client(api)
    assert await token.create(client, parse("token", "create", str(TOKEN), "--ttl", "2h"), NOW) == str(TOKEN)
    with pytest.raises(Explained, match="a token with the id abcdef exists already"):
        await token.create(client, parse("token", "create", str(TOKEN)), NOW)
    secret = api.get(Secret, "bootstrap-token-abcdef", "kube-system")
    lines = token.table([secret], NOW)
    assert lines[0].split() == ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA", "GROUPS"]
    assert lines[1].split()[:4] == [str(TOKEN), "2h", "2026-11-21T08:30:00Z", "authentication,signing"]
    assert await token.delete(client, str(TOKEN)) == 'bootstrap token "abcdef" deleted'
    with pytest.raises(Explained, match="there is no token with the id abcdef"):
        await token.delete(client, "abcdef")


@pytest.mark.parametrize(
    ("expiration", "expected"),
    [
        ("", "<forever>"),
        ("2026-11-21T06:29:00Z", "<invalid>"),
        ("soon", "<invalid>"),
        ("2026-11-21T06:30:30Z", "30s"),
        ("2026-11-21T06:35:00Z", "5m"),
        ("2026-11-22T05:30:00Z", "23h"),
        ("2026-11-24T06:30:00Z", "3d"),
    ],
)
def test_time_left(expiration: str, expected: str) -> None:
    assert token.time_left(expiration, NOW) == expected


def test_expiry_dates_in_a_table() -> None:
    lines = certs.table([Expiry("apiserver", NOW + timedelta(days=10), "ca"), Expiry("ca", NOW - timedelta(1))], NOW)
    assert lines[1].split() == ["apiserver", "Dec", "01,", "2026", "06:30", "UTC", "10d", "ca"]
    assert lines[2].split()[-1] == "<invalid>"


def test_renewing_takes_names_that_exist() -> None:
    expiries = [Expiry("apiserver", NOW, "ca"), Expiry("admin.conf", NOW, "ca"), Expiry("ca", NOW)]
    assert certs.chosen(["all"], expiries) == ["apiserver", "admin.conf"]
    with pytest.raises(Explained, match="there is no certificate ca to renew"):
        certs.chosen(["ca"], expiries)


def test_certs_are_checked_and_renewed(config_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (config_dir / "pki/apiserver.crt").read_bytes()
    assert certs.run(parse("certs", "check-expiration", "--config-dir", str(config_dir))) == 0
    certs.run(parse("certs", "renew", "apiserver", "--skip-restart", "--config-dir", str(config_dir)))
    assert "renewed apiserver" in capsys.readouterr().out
    assert (config_dir / "pki/apiserver.crt").read_bytes() != before


def test_a_kubeconfig_for_a_user(config_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    kubeconfig.run(
        parse("kubeconfig", "user", "--client-name", "jane", "--org", "dev", "--config-dir", str(config_dir))
    )
    certificate = kubeconfig_files.client_certificate(capsys.readouterr().out)
    assert certificate is not None
    assert certificate.subject.rfc4514_string() == "CN=jane,O=dev"


def test_commands_without_a_cluster_say_so(tmp_path: Path) -> None:
    with pytest.raises(Explained, match="run controlplane init first"):
        certs.run(parse("certs", "check-expiration", "--config-dir", str(tmp_path)))


def test_reset_takes_what_init_made_and_leaves_the_node_agent(config_dir: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    (config_dir / "nodeagent.yaml").write_text("")
    (lib / "nodeagent").mkdir(parents=True)
    (lib / "store.db").write_text("")
    left = set(config_dir.rglob("*")) | set(lib.rglob("*"))
    gone = set(reset.leftovers(config_dir, lib))
    left -= gone | {path for path in left if gone & set(path.parents)}
    assert {path.name for path in left} == {"pki", "ca.crt", "nodeagent.yaml", "nodeagent"}


def test_reset_asks_first(config_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Explained, match="nothing was changed"):
        reset.run(parse("reset", "--config-dir", str(config_dir), "--data-dir", str(tmp_path / "lib")))
    assert (config_dir / "pki/ca.key").exists()


@pytest.mark.parametrize("command", ["init", "token", "certs", "kubeconfig", "backup", "restore", "store", "reset"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        parse(command, "--help")
    assert done.value.code == 0
    assert f"controlplane {command}" in capsys.readouterr().out.split("examples:")[1]
