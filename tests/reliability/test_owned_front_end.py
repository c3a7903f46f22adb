"""A front end that lies (docs/threat-model.md part 3): what it enters unsigned, the audit names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.audit import Part, audit_database
from ledger.core.decision import Code
from ledger.core.envelope import seal
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.writer.answers import Declined, Offer, Taken, Unread
from tests.builders import key_of
from tests.reliability.town import Site


def forged(site: Site, kid: str) -> bytes:
    """A transfer of person 00's money that person 00 did not sign."""
    accounts = site.world.accounts
    payload = site.world.signing.payload(
        "transfer/1", from_=accounts["person 00", "KZTD"], to=accounts["person 01", "KZTD"],
        amount="1.00",
    )  # fmt: skip
    return seal(payload, kid=kid, typ="tenge-tx", sign=key_of("a thief").sign).encode()


@pytest.fixture
def ruined(sqlite_site: Site, tmp_path: Path) -> str:
    """The URL of a copy that may be ruined."""
    return f"sqlite:///{shutil.copy(sqlite_site.file, tmp_path)}"


def test_what_a_lying_front_end_enters_unsigned_is_named_by_the_audit(
    sqlite_site: Site, ruined: str
) -> None:
    keyring = Keyring.open_or_create(sqlite_site.keyring)
    with Ledger.open(ruined, keyring) as ledger:
        jws = forged(sqlite_site, key_of("person 00").kid)
        assert isinstance(ledger.take([Offer(jws, False)])[0], Unread), "unless it lies"

        answer = ledger.take([Offer(jws, True)])[0]

    assert isinstance(answer, Taken)
    verdict = audit_database(ruined, workers=1)
    assert [(found.part, found.index) for found in verdict.findings] == [
        (Part.SIGNATURE, answer.index)
    ]


def test_even_a_lying_front_end_cannot_act_as_a_key_that_nobody_registered(
    sqlite_site: Site, ruined: str
) -> None:
    keyring = Keyring.open_or_create(sqlite_site.keyring)
    with Ledger.open(ruined, keyring) as ledger:
        answer = ledger.take([Offer(forged(sqlite_site, key_of("a thief").kid), True)])[0]

    assert isinstance(answer, Declined)
    assert [reason.code for reason in answer.reasons] == [Code.KEY_UNKNOWN]
