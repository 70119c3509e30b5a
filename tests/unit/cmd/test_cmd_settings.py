"""Settings: default, file, flag, in this order; a file that explains itself; units of another age."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.apiserver.remotes import Remotes
from controlplane.cmd.apiserver_settings import server_settings
from controlplane.cmd.settings import Setting, Settings, SettingsError, port, seconds
from controlplane.cmd.tables import APISERVER, CONTROLLER_MANAGER, SCHEDULER
from controlplane.kit.clock import SystemClock
from controlplane.kit.explained import Explained
from controlplane.pki.issue import key_pem, new_key, public_key_pem

SETTINGS = Settings(
    "sampan-test",
    (
        Setting("name", "x", "a text"),
        Setting("count", 3, "a number"),
        Setting("rate", 0.5, "a fraction: 50% of it"),
        Setting("switch", True, "a switch"),
        Setting("list", ["a"], "several"),
    ),
    retired={"old-flag": "it is gone"},
)


def resolve(*arguments: str, settings: Settings = SETTINGS) -> tuple[dict[str, Any], list[str]]:
    parser = argparse.ArgumentParser()
    settings.add_flags(parser)
    return settings.resolve(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        pytest.param([], {}, id="defaults"),
        pytest.param(["--name", "y", "--count=4", "--rate=0.1"], {"name": "y", "count": 4, "rate": 0.1}, id="flags"),
        pytest.param(["--switch=false"], {"switch": False}, id="a switch off"),
        pytest.param(["--switch"], {"switch": True}, id="a switch alone"),
        pytest.param(["--list", "b, c"], {"list": ["b", "c"]}, id="a list"),
        pytest.param(["--list="], {"list": []}, id="an empty list"),
    ],
)
def test_flags(arguments: list[str], changes: dict[str, Any]) -> None:
    assert resolve(*arguments) == (SETTINGS.defaults | changes, [])


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "test.yaml"
    file.write_text("name: from file\ncount: 7\nlist: b,c\n")
    values, _ = resolve("--config", str(file), "--count", "8")
    assert values == SETTINGS.defaults | {"name": "from file", "count": 8, "list": ["b", "c"]}


def test_retired_flags_warn_and_do_nothing() -> None:
    assert resolve("--old-flag=3") == (SETTINGS.defaults, ["--old-flag has no effect: it is gone"])


def test_retired_settings_of_a_file_warn_too(tmp_path: Path) -> None:
    file = tmp_path / "test.yaml"
    file.write_text("old-flag: 3\n")
    assert resolve("--config", str(file)) == (SETTINGS.defaults, ["--old-flag has no effect: it is gone"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("name: caf\udce9", "is not YAML", id="no UTF-8"),
        pytest.param("nmae: y", 'there is no setting "nmae"', id="a misspelt name"),
        pytest.param("count: many", "count: 'many' is not a number", id="a text for a number"),
        pytest.param("switch: 3", "switch: 3 is not true or false", id="a number for a switch"),
        pytest.param("- a", "expected settings", id="a list"),
        pytest.param("a: [", "is not YAML", id="no YAML"),
    ],
)
def test_files_that_are_wrong_say_where(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(SettingsError) as refused:
        resolve("--config", str(file))
    assert message in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        resolve("--config", str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("settings", [SETTINGS, APISERVER, CONTROLLER_MANAGER, SCHEDULER], ids=lambda one: one.program)
def test_the_rendered_file_says_everything_and_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "rendered.yaml"
    file.write_text(settings.render({}))
    assert yaml.safe_load(file.read_text()) == settings.defaults
    assert settings.load(file) == settings.defaults
    for setting in settings.table:
        assert f"# {setting.note}" in file.read_text()


def test_another_value_shows_the_default_beside_it() -> None:
    text = SETTINGS.render({"count": 9})
    assert "# a number (default: 3)\ncount: 9\n" in text


@pytest.mark.parametrize("settings", [APISERVER, CONTROLLER_MANAGER, SCHEDULER], ids=lambda one: one.program)
def test_every_name_is_told_once(settings: Settings) -> None:
    names = [setting.name for setting in settings.table]
    assert len(names) == len(set(names))
    assert not set(names) & set(settings.retired)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("40s", 40), ("1h0m0s", 3600), ("1h30m", 5400), ("500ms", 0.5), ("0", 0), ("1.5s", 1.5), ("2m", 120)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "-3s", "1 h", "s", "1d"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(SettingsError):
        seconds(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"secure-port": 65536}, "--secure-port: 65536", id="no port"),
        pytest.param({"secure-port": -1}, "--secure-port: -1", id="nor this"),
    ],
)
def test_ports(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        port(APISERVER.defaults | changes)
    assert port(APISERVER.defaults) == 6443


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"authorization-mode": ["ABAC"]}, "--authorization-mode: ABAC", id="a mode there is not"),
        pytest.param({"enable-admission-plugins": ["Nope"]}, '"Nope"', id="a plugin there is not"),
        pytest.param({"service-account-signing-key-file": "/dev/null"}, "--service-account-signing", id="no key"),
        pytest.param(
            {"service-account-key-file": ["/dev/null"]}, "--service-account-key-file: /dev/null", id="no keys"
        ),
        pytest.param({"token-auth-file": __file__}, "--token-auth-file: /.*: line 1", id="no tokens"),
        pytest.param({"request-timeout": "soon"}, '--request-timeout: "soon" is not a duration', id="no duration"),
        pytest.param(
            {"max-requests-inflight": -1}, "--max-requests-inflight can not be negative", id="fewer than none"
        ),
        pytest.param({"service-cluster-ip-range": ["10.96.0.1/12"]}, "--service-cluster-ip-range", id="host bits"),
        pytest.param({"service-node-port-range": "32767-30000"}, "--service-node-port-range", id="backwards"),
    ],
)
def test_the_server_refuses_what_it_cannot_use(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    key = new_key()
    (tmp_path / "sa.key").write_bytes(key_pem(key))
    (tmp_path / "sa.pub").write_bytes(public_key_pem(key))
    fine = APISERVER.defaults | {
        "service-account-signing-key-file": str(tmp_path / "sa.key"),
        "service-account-key-file": [str(tmp_path / "sa.pub")],
    }
    remotes = Remotes(SystemClock())
    assert server_settings(fine, remotes).service_cidrs == ("10.96.0.0/12",)
    with pytest.raises(Explained, match=message):
        server_settings(fine | changes, remotes)
