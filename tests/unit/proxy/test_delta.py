"""What iptables-restore is told."""

from __future__ import annotations

from nodeagent.proxy.delta import between, whole
from nodeagent.proxy.endpoints import Endpoint, usable
from nodeagent.proxy.render import NodeView, Ruleset, chain_name, render, render_service
from nodeagent.proxy.service_ports import PortName, ServicePort

WEB, DB = PortName("default", "web", "", "TCP"), PortName("default", "db", "", "TCP")
OLD, NEW = Endpoint("10.244.1.7", 80), Endpoint("10.244.1.8", 80)


def ruleset(**endpoints: Endpoint) -> Ruleset:
    names = {"web": (WEB, ServicePort("10.96.0.20", 80)), "db": (DB, ServicePort("10.96.0.21", 80))}
    return render(
        {
            name: render_service(name, port, usable(port, (endpoints[key],)), NodeView())
            for key, (name, port) in names.items()
            if key in endpoints
        }
    )


def test_no_change_is_no_text() -> None:
    assert between(ruleset(web=OLD), ruleset(web=OLD)).text == ""


def test_a_moved_endpoint_touches_only_its_service() -> None:
    text = between(ruleset(web=NEW, db=OLD), ruleset(web=OLD, db=OLD)).text
    gone, made = (chain_name("KUBE-SEP-", WEB, str(endpoint)) for endpoint in (OLD, NEW))
    assert f"-X {gone}\n" in text
    assert f":{made} - [0:0]\n" in text
    assert ":KUBE-SERVICES" not in text
    assert chain_name("KUBE-SVC-", DB) not in text


def test_a_removed_service_leaves_no_chain() -> None:
    text = between(ruleset(web=OLD), ruleset(web=OLD, db=OLD)).text
    assert f"-X {chain_name('KUBE-SVC-', DB)}\n" in text
    assert f"-X {chain_name('KUBE-SEP-', DB, str(OLD))}\n" in text


def test_a_full_load_clears_what_an_earlier_run_left() -> None:
    text = whole(ruleset(web=OLD), {"nat": ["PREROUTING", "KUBE-SVC-AAAAAAAAAAAAAAAA", "CNI-HOSTPORT-DNAT"]}).text
    assert "-X KUBE-SVC-AAAAAAAAAAAAAAAA\n" in text
    assert "CNI-HOSTPORT-DNAT" not in text
    assert text.count("COMMIT\n") == 2
