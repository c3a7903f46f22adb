"""Records beside the log: kept for their term, exported whole, never in the log (D15)."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.core.ids import b64, unb64
from ledger.errors import StoreProblem
from sandbox_api.auth import KeyKind
from sandbox_api.limits import RECORD_CHARS_MAX, RECORDS_MAX, RETAINED_MAX_MS
from sandbox_api.records import Record, Sweeping, record_of
from sandbox_api.tenants import TenantStore
from tests.api.sandbox import HOUR, Person, Sandbox, key_of, on_both

TERM = 5 * 366 * 24 * HOUR
BODY = "Synthetic: a passport that does not exist, shown on a video call. Қазақша ✓"


def put(sandbox: Sandbox, party: str, /, key: str = "secret", **members: Any) -> TestResponse:
    asked = {
        "party": party, "kind": "identity_proof", "salt": b64(secrets.token_bytes(16)),
        "body": BODY, "retain_until": sandbox.ledger.time() + TERM,
    }  # fmt: skip
    return sandbox.post("/v1/records", asked | members, key=key)


def delete(sandbox: Sandbox, id: str) -> TestResponse:
    return sandbox.client.delete(f"/v1/records/{id}", headers=sandbox._headers("secret", {}))


@on_both
class TestOverHttp:
    def test_a_record_is_kept_and_read_with_what_the_log_may_hold(
        self, sandbox: Sandbox, person: Person
    ) -> None:
        made = put(sandbox, person.party)

        assert made.status_code == 201, made.json
        told = sandbox.get(f"/v1/records/{made.json['id']}").json
        assert told == made.json
        assert told["body"] == BODY
        salted = unb64(told["salt"], 16) + BODY.encode()
        assert told["commitment"] == b64(hashlib.sha256(salted).digest())

    def test_the_same_record_again_is_the_first(self, sandbox: Sandbox, person: Person) -> None:
        salt = b64(secrets.token_bytes(16))
        first = put(sandbox, person.party, salt=salt)

        again = put(
            sandbox, person.party, salt=salt, retain_until=first.json["retain_until"] + HOUR
        )

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json == first.json

    def test_a_whole_file_is_exported(self, sandbox: Sandbox, person: Person) -> None:
        records = [put(sandbox, person.party, body=f"page {n}").json for n in range(3)]
        put(sandbox, sandbox.joined().party)

        told = sandbox.get(f"/v1/parties/{person.party}/file").json

        assert sorted(told["records"], key=lambda row: row["body"]) == records
        assert told["party"]["id"] == person.party
        assert [row["kid"] for row in told["keys"]] == [person.key.kid]
        assert {row["id"] for row in told["accounts"]} == set(person.accounts.values())

    def test_a_file_holds_the_words_under_which_its_owner_is_paid(
        self, sandbox: Sandbox, person: Person
    ) -> None:
        asked = {"form": "random", "name": "Aigerim Testova"}
        made = sandbox.post("/v1/aliases", asked).json
        sandbox.post("/v1/aliases", asked)  # somebody else's, or not bound yet
        jws = sandbox.sign("bank", "alias/1", alias=made["alias"], form="random", ends_at=None,
                           account=person.accounts["KZTD"])  # fmt: skip
        assert sandbox.submit(jws).status_code == 201

        file = sandbox.get(f"/v1/parties/{person.party}/file").json

        assert file["aliases"] == [made]

    def test_before_its_term_a_record_stays(self, sandbox: Sandbox, person: Person) -> None:
        id = put(sandbox, person.party).json["id"]

        answer = delete(sandbox, id)

        assert (answer.status_code, answer.json["code"]) == (409, "record.retained")
        assert sandbox.get(f"/v1/records/{id}").status_code == 200

    def test_after_its_term_it_is_gone_for_everyone(self, sandbox: Sandbox, person: Person) -> None:
        id, other = (put(sandbox, person.party).json["id"] for _ in range(2))
        over(sandbox, id)

        assert sandbox.get(f"/v1/records/{id}").status_code == 404
        file = sandbox.get(f"/v1/parties/{person.party}/file").json
        assert [row["id"] for row in file["records"]] == [other]
        assert delete(sandbox, id).json == {"id": id}
        assert delete(sandbox, id).json == {"id": id}  # an answer that was lost is asked for again

    @pytest.mark.parametrize("ahead", [-1, 0, RETAINED_MAX_MS + HOUR])
    def test_a_term_lies_ahead(self, sandbox: Sandbox, person: Person, ahead: int) -> None:
        answer = put(sandbox, person.party, retain_until=sandbox.ledger.time() + ahead)

        assert (answer.status_code, answer.json["code"]) == (422, "record.term")

    @pytest.mark.parametrize(
        ("members", "status", "code"),
        [
            pytest.param({"party": "A" * 22}, 422, "record.party", id="of nobody"),
            pytest.param({"kind": "suspicion"}, 400, "body.member", id="of another kind"),
            pytest.param({"salt": "short"}, 400, "body.member", id="short salt"),
            pytest.param({"body": ""}, 400, "body.member", id="empty"),
            pytest.param({"body": "x" * (RECORD_CHARS_MAX + 1)}, 400, "body.member", id="long"),
            pytest.param({"body": "ж" * RECORD_CHARS_MAX}, 413, "body.size", id="many bytes"),
            pytest.param({"name": "Aigul"}, 400, "body.member", id="unknown member"),
            pytest.param({"retain_until": "soon"}, 400, "body.member", id="a term in words"),
        ],
    )
    def test_what_is_no_record_is_not_kept(
        self, sandbox: Sandbox, person: Person, members: dict[str, Any], status: int, code: str
    ) -> None:
        answer = put(sandbox, members.get("party", person.party), **members)

        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert sandbox.get(f"/v1/parties/{person.party}/file").json["records"] == []

    def test_the_longest_record_is_kept(self, sandbox: Sandbox, person: Person) -> None:
        assert put(sandbox, person.party, body="x" * RECORD_CHARS_MAX).status_code == 201

    def test_a_publishable_key_reads_nobodys_file(self, sandbox: Sandbox, person: Person) -> None:
        id = put(sandbox, person.party).json["id"]

        assert put(sandbox, person.party, key="publishable").status_code == 403
        for path in (f"/v1/records/{id}", f"/v1/parties/{person.party}/file"):
            answer = sandbox.get(path, key="publishable")
            assert (answer.status_code, answer.json["code"]) == (403, "auth.scope")

    def test_another_tenants_records_are_not_there(self, sandbox: Sandbox, person: Person) -> None:
        id = put(sandbox, person.party).json["id"]
        other = sandbox.tenants.put_tenant("another", bytes(16))
        key = sandbox.tenants.make_key(other.number, KeyKind.SECRET)

        assert sandbox.get(f"/v1/records/{id}", key=key).status_code == 404
        assert sandbox.get(f"/v1/parties/{person.party}/file", key=key).json["records"] == []

    def test_what_a_record_says_is_nowhere_in_the_ledger(
        self, sandbox: Sandbox, person: Person
    ) -> None:
        made = put(sandbox, person.party, body="Synthetic: the one and only sentence").json
        key = b64(key_of(f"recovered {person.party[-8:]}").public_key)
        jws = sandbox.sign("bank", "recover/1", party=person.party, revokes=[], key=key,
                           proof=made["commitment"])  # fmt: skip
        assert sandbox.submit(jws).status_code == 201

        with sandbox.reader.snapshot() as view:
            size = view.head().size
        leaves = b"".join(sandbox.reader.leaves(0, size))
        for secret in (b"only sentence", made["salt"].encode()):
            assert secret not in leaves


def over(sandbox: Sandbox, id: str) -> None:
    """This record's term is over: its row is put back in time."""
    store = sandbox.tenants.records
    found = store.one(sandbox.tenant.number, unb64(id, 16), 0)
    assert found is not None
    assert store.delete(sandbox.tenant.number, found.id, found.retain_until)
    assert store.put(found._replace(retain_until=sandbox.ledger.time()))


@pytest.fixture
def store(store_url: str) -> Iterator[TenantStore]:
    found = TenantStore.open(store_url)
    yield found
    found.close()


def a_record(number: int = 1, until: int = 1_000, party: bytes = bytes(16)) -> Record:
    return record_of(1, party, "document", bytes(16), f"page {number}", 0, until)


def test_the_term_is_exact(store: TenantStore) -> None:
    record = a_record(until=1_000)
    store.records.put(record)

    assert store.records.one(1, record.id, 999) == record
    assert not store.records.delete(1, record.id, 999)
    assert store.records.one(1, record.id, 1_000) is None
    assert store.records.delete(1, record.id, 1_000)
    assert store.records.one(1, record.id, 0) is None


def test_a_sweep_takes_what_is_over_and_no_more(store: TenantStore) -> None:
    for number in range(6):
        store.records.put(a_record(number, until=1_000 + number))

    assert store.records.sweep(999) == 0
    assert store.records.sweep(1_002) == 3
    left = {row.retain_until for row in store.records.of_party(1, bytes(16), 0)}
    assert left == {1_003, 1_004, 1_005}


def test_deletion_runs_by_itself(store: TenantStore) -> None:
    record = a_record(until=1_000)
    store.records.put(record)
    swept = threading.Event()

    def time() -> int:
        if store.records.one(1, record.id, 0) is None:
            swept.set()
        return 1_000

    sweeping = Sweeping(store.records, time, every_s=0.01)
    sweeping.start()
    try:
        assert swept.wait(20)
    finally:
        sweeping.stop()
    assert not sweeping.is_alive()


def test_a_store_that_is_away_ends_no_sweeping(store: TenantStore) -> None:
    asked = threading.Semaphore(0)

    def time() -> int:
        asked.release()
        raise StoreProblem("away")

    sweeping = Sweeping(store.records, time, every_s=0.01)
    sweeping.start()
    for _ in range(3):
        assert asked.acquire(timeout=20)
    sweeping.stop()


def test_a_party_has_so_many_records_and_no_more(store: TenantStore) -> None:
    for number in range(RECORDS_MAX):
        assert store.records.put(a_record(number))

    assert store.records.put(a_record(RECORDS_MAX)) is None
    assert store.records.put(a_record(0)) is False
    assert store.records.put(a_record(0, party=bytes([1]) * 16))


def test_a_store_of_an_older_program_gets_its_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sandbox.db'}"
    TenantStore.open(url).close()
    connection = sqlite3.connect(tmp_path / "sandbox.db")
    connection.execute("DROP TABLE record")
    connection.commit()
    connection.close()

    again = TenantStore.open(url)

    assert again.records.put(a_record())
    again.close()


def test_what_is_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    store = TenantStore.open(f"sqlite:///{path}")
    store.records.put(record_of(1, bytes(16), "document", bytes(16), "a rare sentence", 0, 1_000))
    assert b"a rare sentence" in path.read_bytes()

    store.records.sweep(1_000)
    store.close()

    assert b"a rare sentence" not in path.read_bytes()
