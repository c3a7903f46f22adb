"""A recovery: a bank gives a client a new key after an identity proof, in the owner's full view.

The proof itself is a record beside the log (design D15); here is no more than a salted commitment.
"""

from __future__ import annotations

import msgspec


class Recovery(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `recovery`, owned by the party whose keys it is about.

    `key`: the new public key (base64url); it is registered already, but `pending`. `revokes`: kids
    that end with it. `proof`: the commitment to the record of the identity proof (32 bytes,
    base64url). `registrar`: the party that started it; `started_at` in ms UTC.
    Status: `open`, `done`, `vetoed`. Its due time is when the new key comes into use.
    """

    key: str
    revokes: tuple[str, ...]
    proof: str
    registrar: str
    started_at: int
