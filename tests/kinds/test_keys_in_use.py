"""A key that is no longer in use signs nothing, whatever its party may do."""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.writer.answers import Declined
from tests.builders import key_of
from tests.kinds.pure import fork, pure_world


def test_a_key_not_in_use_is_refused_before_anything_else() -> None:
    world = fork(pure_world())
    values = world.door.state.values
    need = ("object", "key", unb64(key_of("aigul").kid, 32))
    values[need] = msgspec.structs.replace(values[need], status="withdrawn")

    answer = world.transfer("aigul", "daniyar", "KZTD", "999999999.00")

    assert isinstance(answer, Declined)
    assert [reason.code for reason in answer.reasons] == [Code.KEY_NOT_ACTIVE]
    assert Code.KEY_NOT_ACTIVE.value == "KEY_NOT_ACTIVE"
    assert answer.reasons[0].params["status"] == "withdrawn"
