"""Write the known answers in this folder, with nothing of the ledger's own code.

    python tests/vectors/log/make.py JUDGE

JUDGE is the program built from tests/log/judge (Go's sumdb packages): trees, tiles and signed notes
are its answers. Leaves are written by Python's json module. Changing a vector that was released
means a new version of the format, with a decision record.
"""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def base64url(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jws(payload: str) -> str:
    """Something of the shape of a compact JWS; its signature is 64 zero bytes."""
    header = '{"alg":"EdDSA","kid":"' + base64url(bytes(range(32))) + '","typ":"tenge-tx"}'
    return ".".join(map(base64url, (header.encode(), payload.encode(), bytes(64))))


def account(number: int) -> str:
    """The id of a made-up account."""
    return base64url(hashlib.sha256(b"account %d" % number).digest()[:16])


PACK = base64url(hashlib.sha256(b"# an empty pack\n").digest())
LEAVES = [
    ("genesis: no pack, no postings", 0, 0, "", jws('{"kind":"genesis/1"}'), [], {}),
    (
        "one posting",
        *(1, 1_764_000_000_000, PACK, jws('{"kind":"pay/1"}')),
        *([[account(1), account(2), "KZT", "129000"]], {"value": 129000, "zone": "alatau"}),
    ),
    (
        "the largest amount, text that needs escapes, every kind of fact",
        *(2**31, 2**62, PACK, jws("{}")),
        [[account(2), account(3), "USDT", "9223372036854775807"]],
        {
            "text": 'quote " backslash \\ newline \n tab \t null \0 slash / ә 💳 \x7f \u2028',
            "whole": -9223372036854775807,
            "yes": True,
            "list": ["a", 1, ["b", 2, False]],
            "object": {"b": 1, "a": "order is kept"},
        },
    ),
    (
        "sixty-four postings",
        *(3, 1_764_000_000_001, PACK, jws("{}")),
        *([[account(n), account(n + 1), "KZT", str(n + 1)] for n in range(64)], {}),
    ),
]


def leaf_vectors() -> list[dict[str, object]]:
    """Each leaf as its members and as its bytes, and the hash of those."""
    vectors = []
    for name, index, at, pack, tx, postings, facts in LEAVES:
        members = {"v": 1, "index": index, "at": at, "pack": pack, "tx": tx}
        members |= {"postings": postings, "facts": facts}
        line = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        leaf_hash = hashlib.sha256(b"\0" + line.encode()).hexdigest()
        vectors.append({"name": name, "members": members, "line": line, "leaf_hash": leaf_hash})
    return vectors


def bundle_vector(lines: list[str]) -> str:
    """An entry bundle of these leaves, in hex."""
    encoded = [line.encode() for line in lines]
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in encoded).hex()


def main() -> None:
    """Write leaf.json and tree.json."""
    leaves = leaf_vectors()
    lines = [str(vector["line"]) for vector in leaves]
    answered = subprocess.run([sys.argv[1], "vectors"], check=True, capture_output=True).stdout
    tree = json.loads(answered)
    answers = {
        "leaf.json": {"leaves": leaves, "bundle_of_all": bundle_vector(lines)},
        "tree.json": {"leaf_i_is": "the ASCII text `leaf i`, such as `leaf 0`"} | tree,
    }
    for name, content in answers.items():
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
