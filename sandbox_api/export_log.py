"""`tenge export`: the whole log as one zip, whose unpacked form is a static transparency log (D7).

The checkpoint is signed here, by the folder's log key, for a head that a reader of the database has
seen committed; the same head always gives the same checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import click

from ledger.clock import system_ms
from ledger.core.ids import b64
from ledger.core.objects import PackInForce
from ledger.export import Manifest, write_export
from ledger.keyring import Keyring
from ledger.ledger import LOG_KEY, origin_of
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.store import open_reading
from ledger.writer.engine import checkpoint_root
from sandbox_api.config import CannotRun
from sandbox_api.ledger_place import place_of


def export(file: Path, *, folder: Path, db: str | None) -> None:
    """Write the log of a data folder's ledger to `file`, while it runs or not."""
    if file.exists():
        raise CannotRun(f"{file} is there already: name another file.")
    place = place_of(folder, db)
    key = Keyring.open_or_create(folder / "keyring").key(LOG_KEY, create=False)
    store = open_reading(place.url, place.id)
    try:
        with store.snapshot() as view:
            head = view.head()
            ledger = b64(head.id)
            origin = origin_of(ledger)
            vkey = encode_vkey(LogKey(origin, key.public_key))
            checkpoint = sign_checkpoint(
                origin, head.size, checkpoint_root(head), key.sign, key.public_key
            )
            packs = [
                object_.body.text.encode()
                for object_ in view.objects("pack", limit=10_000)
                if isinstance(object_.body, PackInForce)
            ]
            manifest = Manifest("tenge-export/1", ledger, head.size, origin, vkey, system_ms())
            leaves = (leaf for _, leaf in view.all_leaves(0, head.size))
            write_export(file, manifest, checkpoint, leaves, packs)
    finally:
        store.close()
    click.echo(f"{file}: {head.size:,} entries of ledger {ledger}; check it: tenge verify {file}")
