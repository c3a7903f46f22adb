"""The front end's half of submitting: what it verifies, what it leaves to the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ledger.core.ids import b64, thumbprint, unb64
from ledger.keys import SigningKey
from ledger.writer.answers import Unread
from sandbox_api.front import Checked, Front
from tests.api.sandbox import Person, Sandbox


class Keys:
    """Keys that a ledger knows, and how often it was asked."""

    def __init__(self, *keys: SigningKey) -> None:
        self.known = {unb64(key.kid, 32): key.public_key for key in keys}
        self.asked: list[set[bytes]] = []

    def __call__(self, kids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        self.asked.append(set(kids))
        return {kid: self.known[kid] for kid in kids if kid in self.known}


def a_key(number: int) -> SigningKey:
    return SigningKey.from_seed(number.to_bytes(32, "big"))


def transfer(sandbox: Sandbox, key: SigningKey) -> bytes:
    return sandbox.sign(
        key, "transfer/1", from_="A" * 22, to="A" * 21 + "Q", amount="1.00"
    ).encode()


def test_a_good_signature_is_offered_as_verified(sandbox: Sandbox) -> None:
    key = a_key(1)

    checked = Front(Keys(key)).check(jws := transfer(sandbox, key))

    assert isinstance(checked, Checked)
    assert (checked.offer.jws, checked.offer.verified) == (jws, True)


def test_a_bad_signature_never_reaches_the_writer(sandbox: Sandbox) -> None:
    key = a_key(1)
    good, other = transfer(sandbox, key), transfer(sandbox, key)

    checked = Front(Keys(key)).check(good.rpartition(b".")[0] + b"." + other.rpartition(b".")[2])

    assert isinstance(checked, Unread)
    assert checked.code == "bad_signature"


def test_an_unknown_key_is_left_to_the_writer(sandbox: Sandbox) -> None:
    checked = Front(Keys()).check(transfer(sandbox, a_key(1)))

    assert isinstance(checked, Checked)
    assert checked.offer.verified is False


def test_a_batch_asks_for_its_new_keys_once(sandbox: Sandbox) -> None:
    keys = [a_key(number) for number in range(1, 5)]
    source = Keys(*keys)
    front = Front(source)
    lines = [transfer(sandbox, key) for key in keys for _ in range(3)]

    found = front.check_all(lines)
    front.check_all(lines)

    assert source.asked == [{unb64(key.kid, 32) for key in keys}]
    assert all(isinstance(one, Checked) and one.offer.verified for one in found)


def test_a_key_carried_by_one_line_verifies_the_next(sandbox: Sandbox) -> None:
    bank, new = sandbox.key_of("bank"), a_key(9)
    register = sandbox.sign("bank", "party/1", role="person", tier=1, key=b64(new.public_key))

    found = Front(Keys(bank)).check_all([register.encode(), transfer(sandbox, new)])

    assert [isinstance(one, Checked) and one.offer.verified for one in found] == [True, True]


def test_both_signatures_of_a_pay_are_checked(sandbox: Sandbox, person: Person) -> None:
    till = sandbox.key_of("market-till")
    good = sandbox.request("market", "5.00")
    forged = good.rpartition(".")[0] + "." + sandbox.request("market", "6.00").rpartition(".")[2]

    both, no_till, wrong = (
        front.check(sandbox.pay(person, "KZTD", request).encode())
        for front, request in (
            (Front(Keys(person.key, till)), good),
            (Front(Keys(person.key)), good),
            (Front(Keys(person.key, till)), forged),
        )
    )

    assert isinstance(both, Checked)
    assert both.offer.verified is True
    assert isinstance(no_till, Checked)
    assert no_till.offer.verified is False
    assert isinstance(wrong, Unread)
    assert (wrong.code, wrong.where) == ("bad_signature", "request")


def test_what_is_remembered_is_bounded_and_asked_again(sandbox: Sandbox) -> None:
    keys = [a_key(number) for number in range(1, 41)]
    source = Keys(*keys)
    front = Front(source, keys_max=10)

    for key in keys:
        checked = front.check(transfer(sandbox, key))
        assert isinstance(checked, Checked)
        assert checked.offer.verified

    assert len(front._keys) <= 10
    assert front.known(unb64(keys[0].kid, 32)) == keys[0].public_key


def test_a_key_learned_in_the_clear_keeps_its_kid() -> None:
    key = a_key(3)
    front = Front(Keys())

    kid = front.learn(key.public_key)

    assert kid == thumbprint(key.public_key) == unb64(key.kid, 32)
    assert front.known(kid) == key.public_key


@pytest.mark.parametrize("line", [b"", b"a", b"a.b.c", b"\xff" * 40, b"eyJ.eyJ.eyJ"])
def test_noise_is_answered_line_by_line(line: bytes) -> None:
    found = Front(Keys()).check_all([line, line])

    assert [type(one) for one in found] == [Unread, Unread]
