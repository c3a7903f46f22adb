"""The audit: replay a whole log from entry 0 and hold everything against it (design D5).

Offline, from a database or an exported file, on all cores. `verify` re-applies: signatures,
authority, postings, balances, supply, roots, the order of expiry, and every derived row of a
database. `decide=True` also re-decides each entry under the pack of its time. What is wrong is a
`Finding`: which row, and which entry it hits or was last written by.
"""

from ledger.audit.audit import audit_database, audit_export
from ledger.audit.verdict import Finding, Part, Verdict

__all__ = ["Finding", "Part", "Verdict", "audit_database", "audit_export"]
