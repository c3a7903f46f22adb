"""The sandbox's own store, on both databases: tenants, keys, payment requests."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import StoreProblem
from sandbox_api.auth import KeyKind, Scope, StoredKey, digest_of, new_key
from sandbox_api.tenants import REQUESTS_KEPT_MS, StoredRequest, TenantStore

LEDGER = bytes(range(16))


@pytest.fixture
def store(store_url: str) -> Iterator[TenantStore]:
    found = TenantStore.open(store_url)
    yield found
    found.close()


def a_request(number: int = 1, not_after: int = 1_000, jws: str = "a.b.c") -> StoredRequest:
    return StoredRequest(number.to_bytes(16, "big"), 1, bytes(32), not_after, jws)


def test_a_tenant_keeps_its_number_and_may_point_at_another_ledger(store: TenantStore) -> None:
    first = store.put_tenant("team", LEDGER)

    again = store.put_tenant("team", bytes(16))

    assert again.number == first.number
    assert store.tenant(first.number) == again
    assert store.put_tenant("other", LEDGER).number != first.number
    assert store.tenant(99) is None


def test_a_key_is_found_by_its_hash_until_it_is_taken_back(store: TenantStore) -> None:
    tenant = store.put_tenant("team", LEDGER)
    key = store.make_key(tenant.number, KeyKind.PUBLISHABLE)

    found = store.find_key(digest_of(key))

    assert found is not None
    assert (found.tenant, Scope.REFUSALS in found.scopes) == (tenant.number, False)
    store.put_key(tenant.number, key)
    store.drop_key(key)
    assert store.find_key(digest_of(key)) is None


def test_a_key_that_an_older_version_kept_gets_the_scopes_of_its_kind(store: TenantStore) -> None:
    tenant = store.put_tenant("team", LEDGER)
    key = new_key(KeyKind.SECRET)
    store.put_key(tenant.number, key, scopes=set(Scope) - {Scope.RECORDS})

    store.put_key(tenant.number, key)

    assert store.find_key(digest_of(key)) == StoredKey(
        digest_of(key), tenant.number, frozenset(Scope)
    )


@pytest.mark.parametrize(
    "key", ["", "tsk_", f"xyz_{32 * 'A'}", f"tsk_{31 * 'A'}", f"tsk_{32 * 'ä'}"]
)
def test_only_keys_of_the_documented_form_are_kept(store: TenantStore, key: str) -> None:
    with pytest.raises(ValueError, match="an API key is"):
        store.put_key(1, key)


def test_the_first_bytes_under_a_requests_id_stay(store: TenantStore) -> None:
    store.put_request(a_request(jws="first"), 0)
    store.put_request(a_request(jws="second"), 0)

    found = store.request(1, a_request().id)

    assert found == a_request(jws="first")
    assert store.request(2, a_request().id) is None


def test_requests_long_over_are_forgotten(store: TenantStore) -> None:
    store.put_request(a_request(1, not_after=1_000), 0)
    store.put_request(a_request(2, not_after=1_001), 1_000 + REQUESTS_KEPT_MS)
    assert store.request(1, a_request(1).id) is not None

    store.put_request(a_request(3, not_after=9_000), 1_001 + REQUESTS_KEPT_MS)

    assert store.request(1, a_request(1).id) is None
    assert store.request(1, a_request(2).id) is not None


def test_it_opens_again_with_what_it_held(store_url: str) -> None:
    first = TenantStore.open(store_url)
    tenant = first.put_tenant("team", LEDGER)
    first.close()

    again = TenantStore.open(store_url)

    assert again.tenant(tenant.number) == tenant
    again.close()


def test_many_writers_at_once_lose_nothing(store_url: str) -> None:
    stores = [TenantStore.open(store_url) for _ in range(4)]
    failed: list[Exception] = []

    def write(place: int) -> None:
        try:
            for number in range(25):
                stores[place].put_request(a_request(place * 100 + number), 0)
                stores[place].put_request(a_request(7_777), 0)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed
    for place in range(4):
        for number in range(25):
            assert stores[0].request(1, a_request(place * 100 + number).id) is not None
    for store in stores:
        store.close()


def test_a_file_of_another_form_is_refused_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sandbox.db'}"
    TenantStore.open(url).close()
    with sqlite3.connect(tmp_path / "sandbox.db") as connection:
        connection.execute("UPDATE form SET version = 99")
    connection.close()

    with pytest.raises(StoreProblem, match="form 99"):
        TenantStore.open(url)


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(StoreProblem, match="cannot be opened"):
        TenantStore.open(f"sqlite:///{tmp_path / 'sandbox.db'}")


def test_sqlite_runs_without_a_wal(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    store = TenantStore.open(f"sqlite:///{path}")
    store.put_tenant("team", LEDGER)
    store.close()

    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
