# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS on the migrated portal, under traffic: balancer to node, node to node, and what is not trusted: python -m lab.tls [STEP...]."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from lab import certificates, scenario, settings
from lab.certificates import Made
from lab.figures import keep, short
from lab.inside import Node, cluster
from lab.portal.definition import change
from lab.scenario import Step, ansible, expect
from lab.settings import Lab

FOLDER = settings.ROOT / "build" / "certificates"
REPORT = settings.ROOT / "build" / "tls" / "report.json"
RELOAD_SECONDS = 75.0
IDLE_SECONDS = 60.0
TRUST = "/opt/keycloak/current/conf/truststore.pem"


def backend_tls(lab: Lab) -> None:
    """There and back: each is a cut between two target groups of the same nodes."""
    for wanted, port in ((True, 8443), (False, 8080)):
        change(lab, "portal", {"keycloak": {"backend_tls": wanted}})
        with quietly(lab, "phase3") as figures:
            figures["connections"] = moved(lab, port)
        expect(scenario.playbook(lab, "phase3") == 0, "a second run changed something")
        record("balancer to node in TLS" if wanted else "balancer to node in HTTP", figures)
    scenario.playbook(lab, "verify")


def moved(lab: Lab, port: int) -> dict[int, int]:
    """The balancer's connections, when all are at this port: idle ones to the other end some seconds after the cut."""
    other = 8080 + 8443 - port
    deadline = time.monotonic() + IDLE_SECONDS
    while (seen := {each: connections(lab, each) for each in (port, other)}) and (seen[port] == 0 or seen[other] > 0):
        expect(time.monotonic() < deadline, f"the balancer's connections are {seen}")
        time.sleep(1)
    return seen


def https_certificate(lab: Lab) -> None:
    """Another certificate for the balancer, in effect without a restart."""
    signer = certificates.authority(FOLDER, "https-ca")
    given = certificates.issue(FOLDER, "https", signer)
    before = started(lab)
    files = {"keycloak_cluster_https_certificate_file": str(given.certificate), "keycloak_cluster_https_key_file": str(given.key)}
    change(lab, "tls", files)
    with quietly(lab, "phase3") as figures:
        start = time.monotonic()
        while set(shown(lab, 8443)) != {given.sha256}:
            expect(time.monotonic() - start < RELOAD_SECONDS, f"after {RELOAD_SECONDS:.0f} s another certificate is still shown")
            time.sleep(2)
        figures["seconds_until_shown"] = round(time.monotonic() - start)
    expect(started(lab) == before, "a node was restarted for a certificate")
    record("certificate for the balancer changed", {**figures, "restarts": 0})


def own_certificates(lab: Lab) -> None:
    """From Keycloak's certificates to one's own: nodes of the two do not trust each other, so that all stop. Refused without consent."""
    given = own("first")
    change(lab, "tls", variables(given, "first-ca"))
    output = ansible(lab, "phase3", fails=True)
    expect("keycloak_cluster_stop_all" in output, "the stop of all nodes was not asked for")
    with scenario.traffic() as figures:
        scenario.playbook(lab, "phase3", keycloak_cluster_stop_all="true")
    expect(set(shown(lab, 7800)) == {given.sha256}, "the nodes show another certificate")
    record("from Keycloak's certificates to own ones (all stop)", short(figures))
    scenario.playbook(lab, "verify")


def rotation(lab: Lab) -> None:
    """A new certificate of a new authority on all nodes, while they serve and stay one cluster."""
    given = own("second")
    before = started(lab)
    change(lab, "tls", variables(given, "second-ca"))
    with watched(lab) as sizes, quietly(lab, "phase3") as figures:
        pass
    expect(started(lab) == before, "a node was restarted for a certificate")
    expect(set(shown(lab, 7800)) == {given.sha256}, "the nodes show another certificate")
    expect(set(sizes) == {float(len(cluster(lab)))}, f"the nodes saw clusters of {set(sizes)}")
    seen = {"restarts": 0, "sizes_seen": sorted(set(sizes)), "looks": len(sizes)}
    record("own certificates and authority rotated", {**figures, **seen})
    scenario.playbook(lab, "verify")
    expect(scenario.playbook(lab, "phase3") == 0, "a second run changed something")


def back_to_automatic(lab: Lab) -> None:
    change(lab, "tls", {})
    with scenario.traffic() as figures:
        scenario.playbook(lab, "phase3", keycloak_cluster_stop_all="true")
    record("from own certificates to Keycloak's (all stop)", short(figures))
    scenario.playbook(lab, "verify")


def stranger(lab: Lab) -> None:
    """Node to node, who shows no certificate, or one of another authority, is refused."""
    other = certificates.issue(FOLDER, "stranger", certificates.authority(FOLDER, "stranger-ca"))
    found = cluster(lab)
    answers = [node.call(functools.partial(accepts, node.address, made)) for node in found for made in (None, other)]
    record("strangers at port 7800", {"tried": len(answers), "accepted": sum(answers)})
    expect(not any(answers), "a connection with another certificate, or with none, was accepted")


def wrong_authority(lab: Lab) -> None:
    """Keycloak itself, on one node, with an authority that did not sign the database's certificate: it must not become ready."""
    node = cluster(lab)[0]
    wrong = certificates.authority(FOLDER, "not-the-database-ca").certificate.read_text()
    node.run("systemctl", "stop", "keycloak")
    node.run("sh", "-c", f"cp -p {TRUST} {TRUST}.right && cat > {TRUST} <<'EOF'\n{wrong}EOF")
    try:
        node.run("systemctl", "start", "keycloak")
        said = wait_for_log(node, r"PKIX path building failed|unable to find valid certification path")
        expect(not node.ready(), "the node is ready with an authority that it cannot trust the database by")
    finally:
        node.run("sh", "-c", f"systemctl stop keycloak; mv {TRUST}.right {TRUST}; systemctl start keycloak")
    record("database with a certificate of another authority", {"ready": False, "said": said})
    scenario.playbook(lab, "verify")


def own(name: str) -> Made:
    return certificates.issue(FOLDER, name, certificates.authority(FOLDER, f"{name}-ca"))


def variables(made: Made, authority: str) -> dict[str, Any]:
    return {
        "keycloak_cluster_mtls": "files",
        "keycloak_cluster_mtls_certificate_file": str(made.certificate),
        "keycloak_cluster_mtls_key_file": str(made.key),
        "keycloak_cluster_mtls_ca_files": [str(FOLDER / f"{authority}.pem")],
    }


@contextlib.contextmanager
def quietly(lab: Lab, name: str) -> Iterator[dict[str, Any]]:
    """A playbook under traffic that must not fail a request; what is done inside is done under the same traffic, after the playbook."""
    measured: dict[str, Any] = {}
    with scenario.traffic() as figures:
        start = time.monotonic()
        scenario.playbook(lab, name)
        measured["seconds"] = round(time.monotonic() - start)
        yield measured
    expect(figures["failed"] == 0, f"{figures['failed']} of {figures['requests']} requests failed: {figures['failures']}")
    measured.update(short(figures))


@contextlib.contextmanager
def watched(lab: Lab) -> Iterator[list[float]]:
    """Sizes of the cluster that the nodes see, every second."""
    sizes: list[float] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1.0):
            for node in cluster(lab):
                text = node.run("curl", "--silent", "--max-time", "5", f"http://{node.address}:9000/metrics")
                sizes.extend(float(size) for size in re.findall(r"^vendor_cluster_size\{.*\} (\S+)$", text, re.M))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def started(lab: Lab) -> list[str]:
    """When each node's server was started."""
    asked = ["systemctl", "show", "keycloak", "--property=ActiveEnterTimestampMonotonic,MainPID"]
    return [node.run(*asked) for node in cluster(lab)]


def connections(lab: Lab, port: int) -> int:
    """Connections at a port of the nodes that come from none of them."""
    found = cluster(lab)
    lines = [line for node in found for line in node.run("ss", "-Htn", "state", "established", f"( sport = :{port} )").splitlines()]
    addresses = {node.address for node in found}
    return sum(1 for line in lines if peer(line) not in addresses)


def peer(line: str) -> str:
    """The other end's address; on a socket for both families IPv4 is written ::ffff:10.0.0.1."""
    return line.split()[3].rpartition(":")[0].strip("[]").removeprefix("::ffff:")


def shown(lab: Lab, port: int) -> list[str]:
    return [node.call(functools.partial(fingerprint, node.address, port)) for node in cluster(lab)]


def fingerprint(address: str, port: int) -> str:
    context = unverified()
    with socket.create_connection((address, port), 5) as plain, context.wrap_socket(plain) as secured:
        return hashlib.sha256(secured.getpeercert(True) or b"").hexdigest()


def accepts(address: str, made: Made | None) -> bool:
    context = unverified()
    if made:
        context.load_cert_chain(made.certificate, made.key)
    try:
        with socket.create_connection((address, 7800), 5) as plain, context.wrap_socket(plain) as secured:
            secured.settimeout(1.0)
            return secured.recv(1) != b""
    except TimeoutError:
        return True
    except (ssl.SSLError, ConnectionError):
        return False


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def wait_for_log(node: Node, pattern: str, seconds: float = 180.0) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.search(pattern, node.run("journalctl", "--unit=keycloak", "--lines=300", "--no-pager", "--output=cat"))
        if found:
            return found.group(0)
        time.sleep(2)
    raise scenario.ScenarioError(f"the log says nothing of {pattern}")


def record(change: str, measured: dict[str, Any]) -> None:
    keep(REPORT, "change", {"change": change, **measured})


STEPS: dict[str, Step] = {
    "strangers": stranger,
    "backend-tls": backend_tls,
    "https-certificate": https_certificate,
    "own-certificates": own_certificates,
    "rotation": rotation,
    "automatic": back_to_automatic,
    "wrong-authority": wrong_authority,
}


if __name__ == "__main__":
    sys.exit(scenario.run("tls", STEPS, sys.argv[1:]))
