"""What `tenge up` says when all is ready: where, who, with which keys. For people, or as JSON."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import msgspec
from rich.console import Console

from sandbox_api.processes.up import Up

NOTICE = (
    "Not official. A simulation with synthetic data and invented names; rules marked HYPOTHETICAL"
    " are nobody's law. No real money."
)


def print_banner(up: Up, out: TextIO | None = None) -> None:
    """The banner for people."""
    console = Console(file=out or sys.stdout, highlight=False, soft_wrap=True)
    config = up.config
    console.print("\n[bold]Tenge sandbox is ready.[/] Ctrl-C ends it.\n")
    for what, where in _places(up):
        console.print(f"  {what:<15} [cyan]{where}[/]")
    console.print(f"\n  {'secret key':<15} {up.prepared.secret_key}  (servers; do not publish)")
    console.print(f"  {'publishable key':<15} {up.prepared.publishable_key}  (browsers)")
    console.print(f"  {'ledger':<15} {config.ledger}")
    console.print(f"  {'log key':<15} {up.prepared.world.log_key}")
    console.print(f"  {'data':<15} {config.folder}\n")
    for line in _persona_lines(up):
        console.print(line)
    console.print("  Their keys: tenge keys show NAME. All of it told as a story: tenge demo.")
    console.print(f"\n  [dim]{NOTICE}[/]\n")


def print_json(up: Up, out: TextIO | None = None) -> None:
    """The same facts for programs, on one line."""
    print(msgspec.json.encode(facts(up)).decode(), file=out or sys.stdout, flush=True)


def facts(up: Up) -> dict[str, Any]:
    """Everything that the banner says."""
    config, world = up.config, up.prepared.world
    return {
        "url": config.origin,
        "api": f"{config.origin}/v1",
        "stream_url": config.stream_url,
        "submit_url": config.submit_url,
        "ledger": config.ledger,
        "log_key": world.log_key,
        "zone": world.zone,
        "secret_key": up.prepared.secret_key,
        "publishable_key": up.prepared.publishable_key,
        "data": config.folder,
        "personas": [
            {
                "name": persona.name,
                "role": persona.role,
                "party": persona.party,
                "kid": persona.kid,
                "officers": {officer.name: officer.kid for officer in persona.officers},
                "accounts": {account.asset: account.id for account in persona.accounts},
            }
            for persona in world.personas
        ],
        "processes": up.pids,
        "notice": NOTICE,
    }


def _places(up: Up) -> list[tuple[str, str]]:
    config = up.config
    tills = [
        (f"till: {till.name}", f"{config.origin}/till/{till.name}")
        for till in up.prepared.world.tills
    ]
    return [
        ("start page", f"{config.origin}/"),
        *tills,
        ("wallet", f"{config.origin}/wallet"),
        ("API", f"{config.origin}/v1"),
        ("API reference", f"{config.origin}/docs"),
        ("event stream", config.stream_url),
        ("submit stream", config.submit_url),
    ]


def _persona_lines(up: Up) -> list[str]:
    lines = [f"  {'who there is':<15} {'party':<24}{'tenge account':<24}"]
    for persona in up.prepared.world.personas:
        tenge = next((row.id for row in persona.accounts if row.asset == "KZTD"), "")
        lines.append(f"  {persona.name:<15} {persona.party:<24}{tenge:<24}{persona.title}")
    return lines
