"""Lines into an agent until its queue is full, and what it says of itself."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from tests.e2e.support.nodes import Node

# Numbered lines of 2 KB that hardly get smaller. What is answered was taken; what is not may be taken later.
_FLOOD = """
import base64, json, os, sys, urllib.error, urllib.request
url, said, at_once = sys.argv[1], sys.argv[2], int(sys.argv[3])
taken, sent, refused = 0, 0, 0
while not refused:
    body = "".join(
        json.dumps({"flood": said, "number": number, "message": base64.b64encode(os.urandom(1500)).decode()}) + "\\n"
        for number in range(sent, sent + at_once)
    )
    # Without a type of its own it would be a form, and be read as one.
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/stream+json"})
    try:
        urllib.request.urlopen(request, timeout=30).close()
        assert taken == sent, "a later request was answered than one that was not"
        taken += at_once
    except urllib.error.HTTPError as error:
        refused = error.code
    except (TimeoutError, urllib.error.URLError) as error:
        if isinstance(getattr(error, "reason", None), ConnectionError):
            # Refused before all of it was sent, and so without a word: one line gets the answer.
            at_once = 1
            continue
        assert taken == sent, "two requests were not answered"
    sent += at_once
print(json.dumps({"taken": taken, "refused": refused}))
"""


@dataclass(frozen=True)
class Flood:
    """What became of the lines, which are numbered from 0."""

    taken: int
    """So many were acknowledged, the first ones."""
    refused: int
    """The answer that said no at last."""


def flood(node: Node, url: str, said: str, *, at_once: int) -> Flood:
    """Hand lines with the field ``flood`` to a node's agent, so many in a request, until it takes no more."""
    target = f"{url}/insert/jsonline?_stream_fields=flood&_msg_field=message"
    done = node.run(f"python3 -c {shlex.quote(_FLOOD)} '{target}' {said} {at_once}", seconds=600)
    return Flood(**json.loads(done.stdout))


def metric(node: Node, url: str, name: str) -> int:
    """The sum of a metric of the node's agent."""
    lines = node.run(f"curl --silent --fail {url}/metrics").stdout.splitlines()
    return sum(round(float(line.split()[-1])) for line in lines if line.startswith(f"{name}{{"))
