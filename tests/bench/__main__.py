"""`python -m tests.bench`: bundle, install, second runs, new worker, monitoring; storage, images, VCs by plain ones."""

from __future__ import annotations

import argparse

from rich.console import Console

from amalgam.lab.names import Names
from amalgam.lab.status import status
from tests.bench import again, bundles, images, monitoring, sites, storage, tenants, training
from tests.bench.idle import wait_idle
from tests.bench.report import Figure, TaskCounts, show, show_comparisons
from tests.e2e.support.nodes import Lab
from tests.e2e.support.pulumi import platform_on


def main() -> None:
    """Run what is asked for and print the figures; those of what went before a failure are printed, too."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=["site", "monitoring", "storage", "tenants"],
        help="that alone; all but the site on the lab that is up",
    )
    parser.add_argument("--cold", action="store_true", help="build the bundle from an empty cache, too (half an hour)")
    chosen = parser.parse_args()
    console = Console(width=max(Console().width, 140))
    if chosen.part == "storage":
        _storage(console, Lab(Names.of_checkout()))
    elif chosen.part == "monitoring":
        _monitoring(console, Lab(Names.of_checkout()))
    elif chosen.part == "tenants":
        _tenants(console, Lab(Names.of_checkout()))
    else:
        _site(console, cold=chosen.cold, whole=chosen.part is None)


def _site(console: Console, *, cold: bool, whole: bool) -> None:
    """Bundle, install, second runs and a new worker; the ``whole`` has storage, tenants and monitoring, too."""
    if status(Names.of_checkout())["state"] != "down":
        console.print("The checkout's lab is up and shares the processors: figures are better without it.")
    figures: list[Figure] = []
    runs: list[TaskCounts] = []
    try:
        figure, bundle = bundles.warm()
        figures.append(figure)
        if cold:
            figures.append(bundles.cold())
        with sites.site_bench(bundle, figures, runs) as bench:
            sites.install(bench)
            if whole:
                _storage(console, bench.lab)
                with platform_on(bench.lab, bench.folder / "pulumi-home"):
                    _tenants(console, bench.lab)
            sites.add_worker(bench)
        with again.lab_made_again() as figure:
            figures.append(figure)
            if whole:
                # The bench's own site has nobody who watches.
                wait_idle()
                monitoring.measure(console, Lab(Names.of_checkout()), figures)
    finally:
        show(console, figures, runs)


def _storage(console: Console, lab: Lab) -> None:
    show_comparisons(console, "Storage", "shared file system", "raw disk", storage.compare(lab))
    show_comparisons(console, "Images", "pull", "plain copy", images.compare(lab))


def _monitoring(console: Console, lab: Lab) -> None:
    figures: list[Figure] = []
    try:
        monitoring.measure(console, lab, figures)
    finally:
        show(console, figures, [])


def _tenants(console: Console, lab: Lab) -> None:
    figures: list[Figure] = []
    try:
        training.measure(lab, figures)
        tenants.measure(lab, figures)
    finally:
        show(console, figures, [])


if __name__ == "__main__":
    main()
