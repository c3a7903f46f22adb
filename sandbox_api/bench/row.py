"""What a measurement says: one row a store and kind, and the bars that figures are held against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from sandbox_api.bench.traffic import Kind

Store = Literal["sqlite", "postgresql"]

VOID_SHARE: Final = 0.15
"""A row is void where the machine's limit before and after it differ by more than this share."""


class Row(msgspec.Struct, frozen=True):
    """Figures of one kind of transaction on one store; None where this row does not measure it.

    `verify_limit_per_s`: signatures a second that libsodium checks on all cores, mean of before and
    after. `fsync_per_s`: durable appends of 4 KB. `batch_per_s`, `hot_batch_per_s`: entries a
    second in batches of 200 over 4 connections, evenly over all accounts, and to one merchant.
    `batch_ratio`: signatures checked a second in batches, over the limit. `single_per_s`,
    `single_p99_ms`: one transaction a request over 32 connections. `single_p50_ms`: over one.
    `stream_per_s`: over one connection to the submit stream, pipelined. `audit_per_s`: signatures a
    second of the audit that re-applies the whole log afterwards. `bytes_per_entry`: what the
    database grew by, after checkpoint and VACUUM. `server_pss_mb`: PSS of all processes of
    `tenge up` after the load, MB of 10**6 bytes; a PostgreSQL server's own memory is not in it.
    """

    store: Store
    kind: Kind
    verify_limit_per_s: float | None = None
    fsync_per_s: float | None = None
    batch_per_s: float | None = None
    batch_ratio: float | None = None
    single_per_s: float | None = None
    single_p99_ms: float | None = None
    single_p50_ms: float | None = None
    stream_per_s: float | None = None
    hot_batch_per_s: float | None = None
    audit_per_s: float | None = None
    bytes_per_entry: float | None = None
    server_pss_mb: float | None = None

    @property
    def hot_share(self) -> float | None:
        """The hot merchant's batch rate against the uniform one."""
        if self.hot_batch_per_s is None or not self.batch_per_s:
            return None
        return self.hot_batch_per_s / self.batch_per_s


class Result(msgspec.Struct, frozen=True):
    """A row, and what else is worth telling. A void row's figures count for nothing: the machine
    was not the same before and after."""

    row: Row
    notes: tuple[str, ...]
    is_void: bool

    @property
    def counted(self) -> Row:
        """The row as programs read it: without figures where it is void."""
        return Row(self.row.store, self.row.kind) if self.is_void else self.row


class Bar(NamedTuple):
    """Least to accept and what to aim for, of one figure of one store and kind (None: of all)."""

    figure: str
    store: Store | None
    kind: Kind | None
    floor: float
    aim: float

    @property
    def is_most(self) -> bool:
        """Whether less is better."""
        return self.floor > self.aim

    def is_met(self, value: float) -> bool:
        """Whether a figure is not worse than the floor."""
        return value <= self.floor if self.is_most else value >= self.floor


BARS: Final = (
    Bar("batch_ratio", "sqlite", "transfer", 0.30, 0.50),
    Bar("batch_ratio", "sqlite", "pay", 0.30, 0.55),
    Bar("batch_ratio", "postgresql", "transfer", 0.20, 0.40),
    Bar("single_per_s", "sqlite", "transfer", 2_500, 4_500),
    Bar("stream_per_s", "sqlite", "transfer", 6_000, 11_000),
    Bar("single_p50_ms", "sqlite", "transfer", 1.5, 0.8),
    Bar("hot_share", None, None, 0.8, 1.0),
    Bar("audit_per_s", None, None, 10_000, 30_000),
    Bar("bytes_per_entry", "sqlite", "transfer", 1_200, 800),
    Bar("bytes_per_entry", "sqlite", "pay", 2_200, 1_600),
    Bar("server_pss_mb", None, None, 400, 150),
)
"""The floors and aims of the sandbox, for two cores shared by client and server."""


def bar_of(figure: str, row: Row) -> Bar | None:
    """The bar that a figure of this row is held against."""
    for bar in BARS:
        if (
            bar.figure == figure
            and bar.store in (None, row.store)
            and bar.kind in (None, row.kind)
        ):  # fmt: skip
            return bar
    return None


def below(row: Row) -> Iterator[tuple[Bar, float]]:
    """The bars that this row does not meet, with its figures."""
    for figure in dict.fromkeys(bar.figure for bar in BARS):
        bar, value = bar_of(figure, row), getattr(row, figure)
        if bar is not None and value is not None and not bar.is_met(value):
            yield bar, value
