"""Links that must lead back through the proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.apiserver.proxying.location import Rewrite

PREFIX = "/api/v1/namespaces/shop/services/web:80/proxy"
REWRITE = Rewrite(PREFIX, "10.244.1.7:8080", "kube.example.com:6443")


@pytest.mark.parametrize(
    ("link", "rewritten"),
    [
        pytest.param("/login", f"{PREFIX}/login", id="absolute path"),
        pytest.param("/login/?next=%2F#top", f"{PREFIX}/login/?next=%2F#top", id="with everything"),
        pytest.param("http://10.244.1.7:8080/login", f"{PREFIX}/login", id="the server itself"),
        pytest.param("https://kube.example.com:6443/login", f"{PREFIX}/login", id="the host asked for"),
        pytest.param("http://example.com/login", "http://example.com/login", id="elsewhere"),
        pytest.param("http://10.244.1.7:9090/", "http://10.244.1.7:9090/", id="another port"),
        pytest.param("login", "login", id="relative"),
        pytest.param("#top", "#top", id="a place in the page"),
        pytest.param(f"{PREFIX}/login", f"{PREFIX}/login", id="already"),
        pytest.param("http://[bad", "http://[bad", id="no link"),
        pytest.param("mailto:a@b", "mailto:a@b", id="mail"),
    ],
)
def test_url(link: str, rewritten: str) -> None:
    assert REWRITE.url(link) == rewritten


@pytest.mark.parametrize(
    ("page", "rewritten"),
    [
        pytest.param('<a href="/x">/x</a>', f'<a href="{PREFIX}/x">/x</a>', id="a link"),
        pytest.param("<IMG SRC=/x>", f'<IMG SRC="{PREFIX}/x">', id="capitals without quotes"),
        pytest.param("<form class='b' action='/x' >", f"<form class='b' action=\"{PREFIX}/x\" >", id="single quotes"),
        pytest.param('<a title="a>b" href="/x">', f'<a title="a>b" href="{PREFIX}/x">', id="a bracket in quotes"),
        pytest.param('<p title="/x">', '<p title="/x">', id="no link"),
        pytest.param('<!-- <a href="/x"> -->', '<!-- <a href="/x"> -->', id="a comment"),
        pytest.param('<a href="x">', '<a href="x">', id="relative"),
        pytest.param("1 < 2 and 3 > 2", "1 < 2 and 3 > 2", id="no tag"),
    ],
)
def test_html(page: str, rewritten: str) -> None:
    assert REWRITE.html(page) == rewritten


@given(st.text(alphabet="<>a=\"'/! -", max_size=60))
def test_a_page_without_links_stays_as_it_is(page: str) -> None:
    assert Rewrite("/p", "h", "h").html(page.replace("=", "")) == page.replace("=", "")
