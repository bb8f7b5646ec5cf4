"""Who reaches whom: the rendered NetworkPolicies, read as Kubernetes reads them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.unit.deploy.rendering import CHOICES, Manifest, named, of_kind, rendered


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod with labels in a namespace, or an address outside the cluster."""

    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = "bin-it-right"
    address: str | None = None


def app(name: str, instance: str = "stable") -> Peer:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bin-it-right"}
    return Peer(labels | {"app.kubernetes.io/instance": instance})


OUTSIDE = Peer(address="203.0.113.7")
LOAD_BALANCER = (Peer(address="35.191.10.20"), Peer(address="130.211.1.2"))
COLLECTOR = Peer({"app": "managed-prometheus-collector"}, namespace="gke-gmp-system")
OTHER_NAMESPACE = Peer({"app": "something"}, namespace="default")
SAME_NAMESPACE = Peer({"app": "something"})
DNS = Peer({"k8s-app": "kube-dns"}, namespace="kube-system")
DNS_CACHE = Peer(address="169.254.20.10")
CLOUD_DNS = Peer(address="169.254.169.254")


def selected(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def is_meant(peers: list[dict[str, Any]] | None, peer: Peer) -> bool:
    if not peers:
        return True
    for entry in peers:
        if "ipBlock" in entry:
            if peer.address and ip_address(peer.address) in ip_network(entry["ipBlock"]["cidr"]):
                return True
        elif peer.address is None:
            namespace = {"kubernetes.io/metadata.name": peer.namespace}
            by_namespace = (
                selected(entry["namespaceSelector"], namespace)
                if "namespaceSelector" in entry
                else peer.namespace == "bin-it-right"
            )
            if by_namespace and selected(entry.get("podSelector", {}), peer.labels):
                return True
    return False


def may(manifests: tuple[Manifest, ...], direction: str, pod: Peer, other: Peer, port: int, protocol: str) -> bool:
    """Whether the policies that select ``pod`` allow it the connection in this direction."""
    if pod.address is not None or pod.namespace != "bin-it-right":
        return True
    policies = [
        policy["spec"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and selected(policy["spec"]["podSelector"], pod.labels)
    ]
    key = {"Ingress": "from", "Egress": "to"}[direction]
    return not policies or any(
        is_meant(rule.get(key), other)
        and any(each["port"] == port and each.get("protocol", "TCP") == protocol for each in rule["ports"])
        for spec in policies
        for rule in spec.get(direction.lower(), [])
    )


def connects(manifests: tuple[Manifest, ...], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    return may(manifests, "Egress", source, target, port, protocol) and may(
        manifests, "Ingress", target, source, port, protocol
    )


def reached_by(manifests: tuple[Manifest, ...], target: Peer, port: int, peers: Iterable[Peer]) -> list[Peer]:
    return [peer for peer in peers if connects(manifests, peer, target, port)]


EVERYONE = [
    *(app("gateway"), app("triton"), app("gateway", "canary"), app("triton", "canary")),
    *(OUTSIDE, *LOAD_BALANCER, COLLECTOR, OTHER_NAMESPACE, SAME_NAMESPACE, DNS),
]


@pytest.fixture(scope="module")
def gke() -> tuple[Manifest, ...]:
    """Both installations with all components: what is allowed there is allowed anywhere on GKE."""
    components = CHOICES["gke-gpu"]
    return rendered("gke-gpu", components, "stable") + rendered("gke-gpu", components, "canary")


def test_only_the_gateway_reaches_tritons_grpc(gke: tuple[Manifest, ...]) -> None:
    for manifests in (gke, rendered("gke-cpu"), rendered("kind")):
        assert reached_by(manifests, app("triton"), 8001, EVERYONE) == [app("gateway")]


def test_kserves_pods_are_tritons_to_every_policy_and_service() -> None:
    manifests = rendered("kserve")
    (service,) = of_kind(manifests, "InferenceService")
    pod = Peer(service["spec"]["predictor"]["labels"])
    assert reached_by(manifests, pod, 8001, EVERYONE) == [app("gateway")]
    assert reached_by(manifests, pod, 8002, EVERYONE) == [COLLECTOR]
    selector = named(manifests, "Service", "triton")["spec"]["selector"]
    budget = named(manifests, "PodDisruptionBudget", "triton")["spec"]["selector"]["matchLabels"]
    assert selected({"matchLabels": selector | budget}, pod.labels)


def test_each_gateway_reaches_its_own_triton_alone(gke: tuple[Manifest, ...]) -> None:
    assert connects(gke, app("gateway", "canary"), app("triton", "canary"), 8001)
    assert not connects(gke, app("gateway"), app("triton", "canary"), 8001)
    assert not connects(gke, app("gateway", "canary"), app("triton"), 8001)


def test_nobody_reaches_tritons_http_and_only_the_collector_its_metrics(gke: tuple[Manifest, ...]) -> None:
    assert reached_by(gke, app("triton"), 8000, EVERYONE) == []
    assert reached_by(gke, app("triton"), 8002, EVERYONE) == [COLLECTOR]
    assert reached_by(rendered("kind"), app("triton"), 8002, EVERYONE) == []


def test_only_load_balancer_and_collector_reach_the_gateway(gke: tuple[Manifest, ...]) -> None:
    for instance in ("stable", "canary"):
        assert reached_by(gke, app("gateway", instance), 8080, EVERYONE) == [*LOAD_BALANCER, COLLECTOR]


def test_on_kind_the_gateway_is_open_because_a_node_port_hides_the_source() -> None:
    assert connects(rendered("kind"), OUTSIDE, app("gateway"), 8080)
    assert not connects(rendered("kind"), OUTSIDE, app("triton"), 8001)


def test_names_are_looked_up_by_those_who_need_them(gke: tuple[Manifest, ...]) -> None:
    for resolver in (DNS, DNS_CACHE, CLOUD_DNS):
        for protocol in ("UDP", "TCP"):
            assert connects(gke, app("gateway"), resolver, 53, protocol)
            assert not connects(gke, app("triton"), resolver, 53, protocol)


def test_nobody_gets_out(gke: tuple[Manifest, ...]) -> None:
    for name in ("gateway", "triton"):
        assert not connects(gke, app(name), OUTSIDE, 443)
        assert not connects(gke, app(name), Peer(address="169.254.169.254"), 80)
    assert not connects(gke, SAME_NAMESPACE, OUTSIDE, 443)
