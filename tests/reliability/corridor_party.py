"""A party of a corridor in a process of its own, which the system ends at a step: `KILL_AT`.

Reads what it is from stdin as JSON. It knows its keys, the terms and where the sandboxes are.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from ledger.keys import SigningKey
from sandbox_api.client import SandboxClient, Wallet
from sandbox_api.corridor.party import Party
from sandbox_api.corridor.steps import Step
from sandbox_api.corridor.terms import Side, read_terms


def main() -> None:
    """Go on until the step where this process is killed."""
    said = json.load(sys.stdin)
    key = SigningKey.from_jwk(said["key"])
    first, second = (
        Wallet.join(SandboxClient(url, api_key), key) for url, api_key in said["sandboxes"]
    )

    def told(when: str, step: Step) -> None:
        if said["kill_at"] == [when, type(step).__name__]:
            os.kill(os.getpid(), signal.SIGKILL)

    terms = read_terms(json.dumps(said["terms"]))
    Party(Side(said["side"]), terms, first, second, told).run()


if __name__ == "__main__":
    main()
