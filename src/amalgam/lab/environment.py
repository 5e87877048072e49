"""Shell variables under which ordinary programs of this machine reach the site on the lab by its own names."""

from __future__ import annotations

from pathlib import Path

from amalgam.lab.names import Names
from amalgam.lab.state import require
from amalgam.models import load_site
from amalgam.secrets import CA_FILE


def environment(names: Names) -> dict[str, str]:
    """Variable → value: the proxy, the site's authority, and the kubeconfig.

    Raises:
        AmalgamError: there is no lab.
    """
    state = require(names)
    site = load_site(Path(state.inventory))
    authority = str(site.state_dir.resolve() / CA_FILE)
    return {
        "HTTPS_PROXY": state.proxy,
        # The kubeconfig names a loopback address.
        "NO_PROXY": "127.0.0.0/8,localhost",
        "SSL_CERT_FILE": authority,
        "CURL_CA_BUNDLE": authority,
        "KUBECONFIG": str(names.kubeconfig),
    }
