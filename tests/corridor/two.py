"""Two whole sandboxes in this process, and a network between them and the parties that loses,
delays and repeats what it is told to.

The real client speaks to the real HTTP app over real ledgers; only the sockets are missing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import requests
from requests.adapters import BaseAdapter

from ledger.core.envelope import seal
from ledger.core.ids import b64, unb64
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.ledger import OPERATOR_KEY, Ledger
from ledger.writer.answers import Offer, Taken
from sandbox_api.client import SandboxClient, Wallet
from sandbox_api.corridor.terms import MINUTE_MS, Payment, Side, Terms, draw_up
from sandbox_api.world import build_world
from tests.api.sandbox import Sandbox, key_of

LOST = ("question", "answer", "late")
"""What may happen to a transaction on its way: it never comes, its answer never does, or it comes
when nobody waits for it any more."""


class Network(BaseAdapter):
    """Carries requests to one app. `lose` is what happens to the next transaction."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._app = sandbox.app.test_client()
        self.lose = ""
        self.late: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        lost = self.lose if request.url and request.url.endswith("/v1/transactions") else ""
        if lost:
            self.lose = ""
        if lost == "late":
            self.late.append(request)
        if lost in ("question", "late"):
            raise requests.ConnectionError("lost on its way there")
        answer = self._carry(request)
        if lost == "answer":
            raise requests.ConnectionError("lost on its way back")
        return answer

    def deliver(self) -> None:
        """What was delayed comes in now, and its answers go nowhere."""
        while self.late:
            self._carry(self.late.pop())

    def close(self) -> None:
        """Nothing is held."""

    def _carry(self, request: requests.PreparedRequest) -> requests.Response:
        said = self._app.open(
            request.path_url, method=request.method, data=request.body,
            headers=dict(request.headers), base_url="http://localhost",
        )  # fmt: skip
        answer = requests.Response()
        answer.status_code, answer._content = said.status_code, said.data
        answer.headers.update(dict(said.headers))
        return answer


class End:
    """One end of the corridor: a sandbox, the network to it, its clock."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        url = f"sqlite:///{folder / 'ledger.db'}"
        keyring = Keyring.open_or_create(folder / "keyring")
        world = build_world(url, keyring, key_of, name="test sandbox")
        ledger = Ledger.open(url, keyring, unb64(world.ledger, 16))
        self.sandbox = Sandbox(folder, url, ledger, world, keyring)
        self.network = Network(self.sandbox)
        self._operator = keyring.key(OPERATOR_KEY)

    def client(self) -> SandboxClient:
        client = SandboxClient("http://localhost", self.sandbox.publishable)
        client._session.mount("http://", self.network)
        return client

    def now(self) -> int:
        return self.sandbox.ledger.time()

    def freeze(self, at: int) -> None:
        """The clock shows `at`, and what is due by then has ended."""
        payload = {
            "kind": "clock/1", "ledger": self.sandbox.ledger.id, "offset": 0, "frozen_at": at,
            "nonce": b64(secrets.token_bytes(16)), "not_after": self.now() + MINUTE_MS,
        }  # fmt: skip
        key = self._operator
        jws = seal(msgspec.json.encode(payload), kid=key.kid, typ="tenge-tx", sign=key.sign)
        answer = self.sandbox.ledger.submit([Offer(jws.encode(), False)])[0]
        assert isinstance(answer, Taken), answer
        self.sandbox.ledger.tick()


class Pair:
    """Both ends. `skew`: by how much the second clock is ahead, below zero where it is behind."""

    def __init__(self, folder: Path) -> None:
        self.ends = (End(folder / "first"), End(folder / "second"))
        self.skew = 0

    def set(self, skew: int) -> None:
        """Both clocks stand, `skew` ms apart."""
        base = max(end.now() for end in self.ends) + MINUTE_MS
        for end in self.ends:
            end.network.lose = ""
            end.network.late.clear()
        self.ends[0].freeze(base + max(0, -skew))
        self.ends[1].freeze(base + max(0, skew))
        self.skew = skew

    def move(self, by: int) -> None:
        """Both clocks go on."""
        for end in self.ends:
            end.freeze(end.now() + by)

    def wallets(self, key: SigningKey) -> tuple[Wallet, Wallet]:
        first, second = (Wallet.join(end.client(), key) for end in self.ends)
        return first, second

    def deal(self, amounts: Mapping[Side, str]) -> tuple[Terms, dict[Side, SigningKey]]:
        """Two new people and their terms."""
        keys = {side: SigningKey.generate() for side in Side}
        (a1, a2), (b1, b2) = (self.wallets(key) for key in keys.values())
        terms = draw_up(
            keys[Side.INITIATOR],
            Payment(a1.client.ledger(), a1.accounts["KZTD"], b1.accounts["KZTD"], "KZTD",
                    amounts[Side.INITIATOR]),
            Payment(b2.client.ledger(), b2.accounts["tUSDT"], a2.accounts["tUSDT"], "tUSDT",
                    amounts[Side.COUNTERPARTY]),
            max(end.now() for end in self.ends),
        )  # fmt: skip
        return terms, keys

    def close(self) -> None:
        for end in self.ends:
            end.sandbox.close()
