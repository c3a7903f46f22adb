"""The two doors of the audit: a database, an exported file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ledger.audit.database import check_database
from ledger.audit.log import LogAudit, Progress
from ledger.audit.verdict import Finding, Part, Verdict
from ledger.errors import BadSignature, LedgerError, Malformed
from ledger.export import Export, ExportDamaged
from ledger.keys import verify
from ledger.log.checkpoint import LogKey, open_checkpoint
from ledger.store import open_reading


def audit_database(
    url: str,
    ledger: bytes | None = None,
    *,
    decides: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Verdict:
    """Audit a ledger in a database, all rows derived from its log included. Raises StoreProblem
    where the database cannot be opened at all."""
    audit = LogAudit(decides=decides, workers=workers, progress=progress)
    store = open_reading(url, ledger)
    try:
        with store.snapshot() as snapshot:
            check_database(audit, snapshot)
    finally:
        store.close()
    return audit.verdict()


def audit_export(
    path: str | Path,
    *,
    keys: Iterable[LogKey] = (),
    decides: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Verdict:
    """Audit an exported file. `keys` are log keys one trusts; without any, the log key that the
    genesis names is held against the checkpoint. Raises StoreProblem where it cannot be opened."""
    audit = LogAudit(decides=decides, workers=workers, progress=progress)
    try:
        with Export(path) as export:
            audit.ledger = export.manifest.ledger
            _check_export(audit, export, tuple(keys))
    except ExportDamaged as damage:
        part = Part.STRUCTURE if damage.part == "pack" else Part(damage.part)
        audit.findings.append(Finding(part, str(damage), damage.index))
    return audit.verdict()


def _check_export(audit: LogAudit, export: Export, keys: tuple[LogKey, ...]) -> None:
    """Tree and form first, which names damage by its entry; then the replay."""
    manifest = export.manifest
    export.check(verify, keys)
    whole = audit.run(
        ((index, leaf, 0) for index, leaf in enumerate(export.leaves())), manifest.size
    )
    if whole and manifest.size and audit.replay.ledger != manifest.ledger:
        text = f"this is the log of ledger {audit.replay.ledger}, not of {manifest.ledger}"
        audit.findings.append(Finding(Part.STRUCTURE, text))
    if whole and not keys and audit.replay.log_key is not None:
        named = LogKey(manifest.origin, audit.replay.log_key)
        try:
            open_checkpoint(export.checkpoint, verify, [named])
        except (BadSignature, Malformed):
            text = "the checkpoint is not signed by the log key that the genesis names"
            audit.findings.append(Finding(Part.CHECKPOINT, text))


def is_export(path: str | Path) -> bool:
    """Whether this is a file that `audit_export` is for."""
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise LedgerError(f"cannot read {path}: {error.strerror}") from None
