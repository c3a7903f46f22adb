"""`tenge up`: from options to a running process tree, and to its end.

Order: bind the ports, take the data folder, load code once, prepare the ledger in a child, start
the tree, say where everything is, watch. However it ends, nothing is left behind.
"""

from __future__ import annotations

import gc
import importlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import StoreProblem
from ledger.store.lock import FileLock
from ledger.writer.wire import SECRET_BYTES, SECRET_NAME
from sandbox_api.config import FOLDER, OWN_DATABASE, PORT, CannotRun, Config
from sandbox_api.processes import custody, http_worker, prepare, stream, submit_stream, writer
from sandbox_api.processes.child import FORKS, Work
from sandbox_api.processes.ports import Ports, bind, is_loopback, port_of
from sandbox_api.processes.prepare import Prepared, make_folder
from sandbox_api.processes.supervisor import Supervisor

SHARED: Final = (
    "sandbox_api.app",
    "sandbox_api.processes.doors",
    "sandbox_api.processes.wsgi",
    "sandbox_api.world",
    "websockets.asyncio.server",
)
"""Modules loaded before forking, so that every process shares their pages."""


SOCKET_FOLDER_MAX: Final = 60
"""Longest temporary folder that local sockets fit in: their whole path has at most 103 bytes."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `tenge up` was asked for."""

    host: str = "127.0.0.1"
    port: int = PORT
    db: str | None = None
    data: Path = Path(FOLDER)
    ephemeral: bool = False
    workers: int = 2
    seed: str | None = None
    price_source: str = ""


@dataclass(frozen=True, slots=True)
class Up:
    """A sandbox that runs: where, with whom, under which keys and process ids."""

    config: Config
    prepared: Prepared
    pids: dict[str, int]


def run(options: Options, announce: Callable[[Up], None]) -> int:
    """Run until Ctrl-C (returns 130) or SIGTERM (returns 0); raises CannotRun with a sentence.

    `announce` is called once, when everything is ready.
    """
    if options.seed is not None and not is_loopback(options.host):
        raise CannotRun(
            "--seed makes every persona's key known to whoever knows the seed, so it works on"
            " loopback only: leave out --seed or --host."
        )
    if options.price_source and not options.price_source.startswith(("http://", "https://")):
        raise CannotRun("--price-source is asked over HTTP: give a URL that begins with http.")
    os.umask(0o077)  # whatever is written is ours alone
    ports = bind(options.host, options.port, options.workers)
    try:
        with _folder(options) as folder, _run_folder() as run_folder:
            config = _config(options, folder, run_folder, ports)
            _load()
            with Supervisor(ports.all(), folder / "tenge.log") as supervisor:
                _bring_up(supervisor, config, options.seed, ports, announce)
                supervisor.watch()
            return 130 if supervisor.signal == 2 else 0
    finally:
        ports.close()


def _bring_up(
    supervisor: Supervisor,
    config: Config,
    seed: str | None,
    ports: Ports,
    announce: Callable[[Up], None],
) -> None:
    said = supervisor.run_once(Work("prepare", prepare.main, (config, seed), secrets=True))
    if supervisor.signal:
        return
    prepared = msgspec.json.decode(said, type=Prepared)
    config = msgspec.structs.replace(
        config, ledger=prepared.world.ledger, publishable_key=prepared.publishable_key
    )
    for work in _tree(config, ports):
        supervisor.start(work)
    supervisor.wait_ready()
    if not supervisor.signal:
        announce(Up(config, prepared, supervisor.pids()))


def _tree(config: Config, ports: Ports) -> Iterator[Work]:
    """The children, in the order of starting: the writer first, whom the others lean on."""
    yield Work("writer", writer.main, (config,), secrets=True)
    yield Work("custody", custody.main, (config,), secrets=True)
    for number, listener in enumerate(ports.http, 1):
        yield Work(
            f"http {number}", http_worker.main, (config, listener), (listener,), gives_way=True
        )
    yield Work("stream", stream.main, (config, ports.stream), (ports.stream,))
    yield Work(
        "submit", submit_stream.main, (config, ports.submit), (ports.submit,), gives_way=True
    )


def _config(options: Options, folder: Path, run_folder: Path, ports: Ports) -> Config:
    return Config(
        folder=str(folder),
        run=str(run_folder),
        url=options.db or f"sqlite:///{folder / OWN_DATABASE}",
        ledger="",
        host=options.host,
        port=port_of(ports.http[0]),
        stream_port=port_of(ports.stream),
        submit_port=port_of(ports.submit),
        workers=options.workers,
        publishable_key="",
        price_source=options.price_source,
    )


@contextmanager
def _folder(options: Options) -> Iterator[Path]:
    """The data folder, ours alone while this lasts; an ephemeral one is gone afterwards."""
    if options.ephemeral:
        folder = Path(tempfile.mkdtemp(prefix="tenge-ephemeral-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = options.data.absolute()
    make_folder(folder)
    try:
        lock = FileLock(str(folder / "sandbox"))
    except StoreProblem:
        raise CannotRun(
            f"Another `tenge up` runs on {folder}: end it, or choose another folder with --data."
        ) from None
    try:
        yield folder
    finally:
        lock.release()


@contextmanager
def _run_folder() -> Iterator[Path]:
    """A folder of mode 0700 for local sockets and their secret."""
    roomy = len(tempfile.gettempdir()) < SOCKET_FOLDER_MAX
    folder = Path(tempfile.mkdtemp(prefix="tenge-run-", dir=None if roomy else "/tmp"))  # noqa: S108
    try:
        descriptor = os.open(folder / SECRET_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load() -> None:
    """Load once what children share, and keep the collector from touching those pages."""
    if FORKS:
        for name in SHARED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
