"""An image pulled by a node beside a plain copy of the same bytes over the same connection, in one run."""

from __future__ import annotations

import json
import time

from amalgam.pins import load_lock
from tests.bench.idle import wait_idle
from tests.bench.report import Comparison
from tests.e2e.support.nodes import Lab, Node

_IMAGE = "kube-apiserver"  # no worker has it, and containerd would not fetch what another namespace holds
_CTR = "ctr --namespace bench"
_CURL = "curl --silent --show-error --fail --cacert /etc/amalgam/pki/ca.crt"


def compare(lab: Lab) -> list[Comparison]:
    """Copy the layers of an image to a worker's disk, then pull it there: without unpacking, and with.

    Raises:
        AssertionError: a command failed; nothing is left on the worker.
    """
    pin, node = load_lock().image(_IMAGE), lab.node(lab.members("workers")[0])
    image = f"{lab.registry}/{pin.repository}:{pin.tag}"
    layers = _layers(node, f"https://{lab.registry}/v2/{pin.repository}", pin.tag)
    urls = " ".join(
        f"--output /var/tmp/bench-layer https://{lab.registry}/v2/{pin.repository}/blobs/{one}" for one in layers
    )
    size = sum(layers.values()) / 2**20
    # Whoever reads first would read from the registry's disk, and the others from memory.
    node.run(f"{_CURL} {urls.replace('/var/tmp/bench-layer', '/dev/null')}", seconds=600)
    wait_idle()
    try:
        plain = _seconds(node, f"{_CURL} {urls} && sync --file-system /var/tmp")
        fetch = _seconds(node, f"{_CTR} content fetch --hosts-dir /etc/containerd/certs.d {image}")
        node.run(f"{_CTR} images remove --sync {image}")
        pull = _seconds(node, f"{_CTR} images pull --hosts-dir /etc/containerd/certs.d {image}")
    finally:
        node.run(f"rm -f /var/tmp/bench-layer; {_CTR} images remove --sync {image}", check=False)
    what = f"image of {size:.0f} MiB"
    return [
        Comparison(f"{what}, fetched", "MiB/s", size / fetch, size / plain),
        Comparison(f"{what}, fetched and unpacked", "MiB/s", size / pull, size / plain),
    ]


def _layers(node: Node, repository: str, tag: str) -> dict[str, int]:
    """Digest → size (bytes) of the layers for the node's architecture."""
    index = "application/vnd.oci.image.index.v1+json"
    manifest = "application/vnd.oci.image.manifest.v1+json"
    architecture = node.run("dpkg --print-architecture").stdout.strip()
    entries = json.loads(node.run(f"{_CURL} --header 'Accept: {index}' {repository}/manifests/{tag}").stdout)[
        "manifests"
    ]
    digest = next(entry["digest"] for entry in entries if entry["platform"]["architecture"] == architecture)
    content = node.run(f"{_CURL} --header 'Accept: {manifest}' {repository}/manifests/{digest}").stdout
    return {layer["digest"]: layer["size"] for layer in json.loads(content)["layers"]}


def _seconds(node: Node, command: str) -> float:
    began = time.monotonic()
    node.run(command, seconds=600)
    return time.monotonic() - began
