"""What every process of one running sandbox knows from its start: `Config`, and nothing secret.

The supervisor makes one, once, after the ledger is prepared and the ports are bound, and hands it
to each process; nothing is read from the environment later. The files beside the database that it
names are: `keyring` (secrets; the writer's and custody's alone), `world.json` (who the personas
are, `sandbox_api.personas`), `sandbox.db` (tenants, API keys as hashes, webhooks). `run` is a
folder of mode 0700 that lives as long as the process tree: local sockets and their secret.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

PORT: Final = 8080
"""Where HTTP listens unless told otherwise; stream and submit take the next two."""

FOLDER: Final = "tenge-sandbox"
"""The data folder, in the working directory, unless told otherwise."""

OWN_DATABASE: Final = "ledger.db"
"""The database in the data folder, unless another is given."""


class CannotRun(Exception):
    """Why the sandbox cannot start or go on: one sentence for people, which says what to do."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One node of one sandbox. Ports are the bound ones, never 0; `ledger` is the id (22)."""

    folder: str
    run: str
    url: str
    ledger: str
    host: str
    port: int
    stream_port: int
    submit_port: int
    workers: int
    publishable_key: str
    """The key that browsers carry (`tpk_…`): public, and put into the pages we serve."""
    price_source: str = ""
    """Where the demo exchange asks for prices (`sandbox_api.prices`); its own where this is ""."""

    @property
    def keyring(self) -> Path:
        """The keyring's file. Front ends never open it (D12)."""
        return Path(self.folder) / "keyring"

    @property
    def world(self) -> Path:
        """Who the personas are, beside the ledger and never in it (D15)."""
        return Path(self.folder) / "world.json"

    @property
    def tenants(self) -> Path:
        """The sandbox's own store: tenants, API keys (hashed), webhooks."""
        return Path(self.folder) / "sandbox.db"

    @property
    def tenants_url(self) -> str:
        """Where the sandbox's own store is: beside a SQLite ledger, or in the same PostgreSQL."""
        return f"sqlite:///{self.tenants}" if self.url.startswith("sqlite") else self.url

    @property
    def origin(self) -> str:
        """Where the pages and `/v1` are: `http://127.0.0.1:8080`."""
        return f"http://{_in_url(self.host)}:{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names, without port, that this server answers to."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return tuple(dict.fromkeys(("127.0.0.1", "localhost", "[::1]", own)))

    @property
    def stream_url(self) -> str:
        """The WebSocket that tells events."""
        return f"ws://{_in_url(self.host)}:{self.stream_port}/v1/stream"

    @property
    def submit_url(self) -> str:
        """The WebSocket that takes transactions."""
        return f"ws://{_in_url(self.host)}:{self.submit_port}/v1/submit"


def _in_url(host: str) -> str:
    """A host as URLs write it; "every address" is called by the loopback's name."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
