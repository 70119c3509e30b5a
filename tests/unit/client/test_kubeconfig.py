"""Which server and who we are, from one file or several."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from controlplane.client.credentials import TokenFile
from controlplane.client.kubeconfig import KubeconfigError, load, parse

DATA = base64.b64encode(b"PEM").decode()


def a_config(**user: object) -> dict[str, object]:
    return {
        "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": "https://h:6443", "certificate-authority-data": DATA}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "apps"}}],
    }


def test_embedded_data_wins_over_files_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = yaml.safe_dump(a_config(**{"client-certificate-data": DATA, "client-certificate": "x", "client-key": "key"}))
    connection = parse(text, tmp_path / "config").connection()
    assert connection.server == "https://h:6443" and connection.namespace == "apps"
    assert connection.ca.data == b"PEM" and connection.certificate.data == b"PEM"
    assert connection.key.path == str(tmp_path / "key")


def test_first_file_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text(yaml.safe_dump({"users": [{"name": "u", "user": {"token": "first"}}]}))
    second.write_text(yaml.safe_dump(a_config(token="second")))
    assert load(first, second).connection().token == "first"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        pytest.param({"exec": {"command": "aws"}}, '"exec"', id="plug-ins are not run"),
        pytest.param({"client-certificate-data": DATA}, "together", id="certificate without key"),
        pytest.param({"client-key-data": "%%"}, "not base64", id="broken data"),
    ],
)
def test_refused_users(user: dict[str, object], words: str) -> None:
    with pytest.raises(KubeconfigError, match=words):
        parse(yaml.safe_dump(a_config(**user))).connection()


@pytest.mark.parametrize("text", ["[", "- a", "users: [{user: {}}]", "current-context: nowhere"])
def test_refused_files(text: str) -> None:
    with pytest.raises(KubeconfigError):
        parse(text).connection()


def test_missing_file_is_named() -> None:
    with pytest.raises(KubeconfigError, match="/nowhere"):
        load(Path("/nowhere"))


def test_token_file_is_read_again_when_replaced(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    source = TokenFile(str(file))
    assert source() == "one"
    (tmp_path / "new").write_text("two\n")
    (tmp_path / "new").replace(file)
    assert source() == "two"
