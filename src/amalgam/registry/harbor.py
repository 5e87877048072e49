"""Looking into a Harbor and removing tags from it: where its answers are not those of the embedded registry.

Harbor refuses to delete a manifest by its tag, and has a list of a project's repositories of its own. The rest is the
same. What is used is in ``tests/fixtures/harbor/contract.yml``.
"""

from __future__ import annotations

from urllib.parse import quote

from amalgam.harbor.client import API
from amalgam.registry.client import Registry
from amalgam.registry.credentials import Credentials
from amalgam.registry.reference import Reference

_PAGE_SIZE = 100  # Harbor's largest


class HarborRegistry(Registry):
    """A connection to a site's Harbor, as one of its users or robots."""

    def repositories(self, project: str) -> list[str]:
        """Those of one project, sorted. A project that is not there has none.

        Raises:
            AmalgamError: Harbor refuses, or does not answer.
        """
        found: list[str] = []
        total, page = 1, 1
        while len(found) < total:
            path = f"{API}/projects/{project}/repositories?page={page}&page_size={_PAGE_SIZE}"
            answer = self._ask("GET", path, f"the images of {project}", missing_ok=True)
            names = [one["name"] for one in answer.json()] if answer else []
            if answer is None or not names:
                break
            found, total, page = found + names, int(answer.headers["X-Total-Count"]), page + 1
        return sorted(found)

    def _delete(self, reference: Reference) -> bool:
        """The tag alone; by this path Harbor takes it, and only the last one's image goes with its own collection."""
        # A slash in a repository's name is quoted twice: the server in front of Harbor unquotes once.
        repository = quote(quote(reference.repository.partition("/")[2], safe=""), safe="")
        tag = reference.tag
        path = f"{API}/projects/{reference.project}/repositories/{repository}/artifacts/{tag}/tags/{tag}"
        return self._ask("DELETE", path, f"deleting {reference}", missing_ok=True) is not None


def connect(credentials: Credentials) -> Registry:
    """The registry of these credentials, whichever it is."""
    return (HarborRegistry if credentials.backend == "harbor" else Registry)(credentials)
