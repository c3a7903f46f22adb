"""Reading rule packs: what is refused, with its code, and which rows are in force when."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ledger.core.decision import Code
from ledger.core.ids import b64
from ledger.errors import Malformed
from ledger.rules import RULES
from ledger.rules.pack import pack_in_force, read_pack
from ledger.writer.answers import Taken
from tests.builders import pack_text
from tests.kinds.pure import fork, pure_world
from tests.rules.till import codes, fingerprint

HEAD = 'format = 1\nname = "test"\n'


def row(rule: str = "zone_place/1", since: str = "2026-01-01", **more: str) -> str:
    """One row; values are TOML as written."""
    members = {"rule": f'"{rule}"', "valid_from": since, "status": '"DRAFT"', "source": '"K2"'}
    return "[[rule]]\n" + "".join(f"{k} = {v}\n" for k, v in (members | more).items())


def bad(id: str, code: str, text: str) -> Any:
    return pytest.param(code, text, id=id)


HOSTILE = [
    bad("nothing", "pack.member", ""),
    bad("no TOML", "pack.toml", "format ="),
    bad("JSON", "pack.toml", '{"format": 1, "name": "x"}'),
    bad("no format", "pack.member", 'name = "x"\n'),
    bad("another format", "pack.member", 'format = 2\nname = "x"\n'),
    bad("a format in text", "pack.member", 'format = "1"\nname = "x"\n'),
    bad("no name", "pack.member", "format = 1\n"),
    bad("a name with a newline", "pack.member", 'format = 1\nname = "x\\n"\n'),
    bad("an unknown member", "pack.member", HEAD + "polygon = []\n"),
    bad("a repeated key", "pack.toml", HEAD + 'name = "again"\n'),
    bad("a repeated table", "pack.toml", HEAD + "[a]\n[a]\n"),
    bad("rows that are no table", "pack.member", HEAD + "rule = 1\n"),
    bad("an unknown rule", "pack.rule", HEAD + row("zone_place/2")),
    bad("a rule without its version", "pack.rule", HEAD + row("zone_place")),
    bad("a rule of another case", "pack.rule", HEAD + row("Zone_place/1")),
    bad("an unknown member of a row", "pack.member", HEAD + row(note='"x"')),
    bad("a repeated key in a row", "pack.toml", HEAD + row() + 'source = "K3"\n'),
    bad("an unknown status", "pack.member", HEAD + row(status='"RUMOUR"')),
    bad("no source", "pack.member", HEAD + row(source='""')),
    bad("a long source", "pack.member", HEAD + row(source='"' + "x" * 65 + '"')),
    bad("a date in text", "pack.member", HEAD + row(since='"2026-01-01x"')),
    bad("a date with a time", "pack.member", HEAD + row(since="2026-01-01T00:00:00Z")),
    bad("a local time", "pack.member", HEAD + row(since="00:00:00")),
    bad("a date that is not", "pack.toml", HEAD + row(since="2026-02-30")),
    bad("an end before the beginning", "pack.dates", HEAD + row(valid_to="2025-12-31")),
    bad("an end on the first day", "pack.dates", HEAD + row(valid_to="2026-01-01")),
    bad("twice at once", "pack.overlap", HEAD + row() + row(since="2027-01-01")),
    bad("twice from one day", "pack.overlap", HEAD + row() + row()),
    bad("a day of overlap", "pack.overlap",
        HEAD + row(valid_to="2026-02-02") + row(since="2026-02-01")),
    bad("one inside another", "pack.overlap",
        HEAD + row(valid_to="2026-12-01") + row(since="2026-02-01", valid_to="2026-03-01")
        + row(since="2027-01-01")),
    bad("a fraction", "pack.number",
        HEAD + row("rate_fresh/1", parameters="{ age_max_s = 1.5 }")),
    bad("a fraction that is whole", "pack.number",
        HEAD + row("rate_fresh/1", parameters="{ age_max_s = 60.0 }")),
    bad("an exponent", "pack.number", HEAD + row("rate_fresh/1", parameters="{ age_max_s = 6e1 }")),
    bad("infinity", "pack.number", HEAD + row("rate_fresh/1", parameters="{ age_max_s = inf }")),
    bad("not a number", "pack.number", HEAD + row("cap_day/1", parameters="{ value_max = nan }")),
    bad("5,000 digits", "pack.number", "format = " + "9" * 5_000),
    bad("a number of 80 bits", "pack.parameters",
        HEAD + row("rate_fresh/1", parameters="{ age_max_s = 0xffffffffffffffffffff }")),
    bad("two years of freshness", "pack.parameters",
        HEAD + row("rate_fresh/1", parameters="{ age_max_s = 63072000 }")),
    bad("a parameter that is missing", "pack.parameters", HEAD + row("cap_day/1")),
    bad("a parameter nobody knows", "pack.parameters",
        HEAD + row("zone_place/1", parameters="{ radius = 5 }")),
    bad("a cap as a number", "pack.parameters",
        HEAD + row("cap_day/1", parameters="{ value_max = 500 }")),
    bad("a cap of another form", "pack.parameters",
        HEAD + row("cap_day/1", parameters='{ value_max = "500" }')),
    bad("a cap below nothing", "pack.parameters",
        HEAD + row("cap_payment/1", parameters='{ value_max = "-1.00" }')),
    bad("a tier nobody has", "pack.parameters",
        HEAD + row("kyc_tier/1", parameters="{ tier_min = 4 }")),
    bad("a tier of truth", "pack.parameters",
        HEAD + row("kyc_tier/1", parameters="{ tier_min = true }")),
    bad("a class nobody knows", "pack.parameters",
        HEAD + row("tender_class/1", parameters='{ classes = ["gold"] }')),
    bad("an offset of 15 hours", "pack.parameters",
        HEAD + row("zone_hours/1", parameters="{ utc_offset_minutes = 900 }")),
    bad("no open request at all", "pack.parameters",
        HEAD + row("asks_open/1", parameters="{ open_max = 0 }")),
    bad("1,001 open requests", "pack.parameters",
        HEAD + row("asks_open/1", parameters="{ open_max = 1001 }")),
    bad("257 rows", "pack.member", HEAD + row() * 257),
    bad("extends something short", "pack.member", HEAD + 'extends = "x"\n'),
    bad("a bomb of brackets", "pack.toml", HEAD + "x = " + "[" * 20_000),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), HOSTILE)
def test_a_pack_that_cannot_be_meant_is_unread(code, text):
    with pytest.raises(Malformed) as refused:
        read_pack(text)

    assert refused.value.code == code


@pytest.fixture(scope="module")
def base():
    return pure_world()


@pytest.mark.parametrize(("code", "text"), HOSTILE[1:])
def test_it_never_comes_in_force(base, code, text):
    world = fork(base)
    before = fingerprint(world.door)

    answer = world.offer(world.sign("nbk", "pack/1", text=text))

    assert not isinstance(answer, Taken)
    assert answer.code in (code, "payload.member")
    assert fingerprint(world.door) == before


def digest(text: str) -> str:
    return b64(sha256(text.encode()).digest())


def put(world, text: str):
    return world.offer(world.sign("nbk", "pack/1", text=text))


def in_force(world) -> list[str]:
    return [one.rule.name for one in pack_in_force(world.door.state).in_force(world.door.at)]


def test_a_pack_extends_one_that_was_put_before(base):
    world = fork(base)
    text = HEAD + f'extends = "{digest(pack_text())}"\n' + row(
        "cap_payment/1", parameters='{ value_max = "1.00" }'
    )  # fmt: skip

    assert isinstance(put(world, text), Taken)

    assert in_force(world) == [one.rule.name for one in read_pack(pack_text()).rows]
    answer = world.pay("aigul", "tUSDT", world.request("till-cafe", "1.01"))
    assert codes(answer) == (Code.CAP_PAYMENT,)


def test_a_pack_may_not_extend_one_that_extends(base):
    world = fork(base)
    middle = HEAD + f'extends = "{digest(pack_text())}"\n'
    assert isinstance(put(world, middle), Taken)

    assert put(world, HEAD + f'extends = "{digest(middle)}"\n# more\n').code == "pack.chain"


def test_a_pack_may_not_extend_what_was_never_put(base):
    world = fork(base)
    unknown = HEAD + f'extends = "{digest(HEAD)}"\n'

    assert codes(put(world, unknown)) == (Code.PACK_UNKNOWN,)
    # Its own digest it cannot name: writing it would change it.
    assert codes(put(world, unknown + f"# {digest(unknown)}\n")) == (Code.PACK_UNKNOWN,)


def test_a_digest_has_one_spelling(base):
    world = fork(base)
    answer = put(world, HEAD + f'extends = "{"A" * 42}B"\n')

    assert answer.code == "id.base64"
    with pytest.raises(Malformed) as refused:
        read_pack(HEAD + f'extends = "{"A" * 43}"\n')
    assert refused.value.code == "pack.extends"


def test_a_past_pack_may_come_back(base):
    world = fork(base)
    assert isinstance(put(world, pack_text() + "# b\n"), Taken)

    assert isinstance(put(world, pack_text()), Taken)
    assert codes(put(world, pack_text())) == (Code.ALREADY_REGISTERED,)


def test_a_row_is_in_force_from_its_first_local_day_to_the_last():
    rows = row(valid_to="2026-02-01") + row(since="2026-02-01")
    pack = read_pack(HEAD + rows + row("zone_status/1", since="2026-03-01"))
    first = 1_767_207_600_000  # 31 December 2025, 19:00 UTC: midnight in Almaty
    february = first + 31 * 86_400_000
    march = february + 28 * 86_400_000

    def names(at: int) -> list[str]:
        return [one.rule.name for one in pack.in_force(at)]

    assert names(first - 1) == []
    assert names(first) == names(february - 1) == names(february) == ["zone_place/1"]
    assert pack.in_force(february - 1)[0] is not pack.in_force(february)[0]
    assert names(march - 1) == ["zone_place/1"]
    assert names(march) == ["zone_place/1", "zone_status/1"]
    assert names(first - 1) == []  # what was remembered of later times does not count


def test_the_order_of_rows_is_the_tables_not_the_texts():
    rows = [row("zone_status/1"), row("permit/1"), row("tender_never/1"), row("zone_place/1")]

    forward, backward = read_pack(HEAD + "".join(rows)), read_pack(HEAD + "".join(rows[::-1]))

    names = [one.rule.name for one in forward.rows]
    assert names == [one.rule.name for one in backward.rows]
    assert names == [name for name in RULES if name in names]


def test_the_shipped_packs_name_every_rule_and_no_law_without_its_source():
    pack = read_pack(pack_text("payments-hypothetical"), pack_text())

    assert list(dict.fromkeys(one.rule.name for one in pack.rows)) == list(RULES)
    assert all(one.basis.source for one in pack.rows)
    assert {one.basis.status for one in pack.rows} == {"LAW", "HYPOTHETICAL"}
    assert len(pack_text().encode()) < 36_000


def test_every_rules_parameters_are_closed():
    for rule in RULES.values():
        assert rule.parameters.__struct_config__.forbid_unknown_fields
        assert rule.parameters.__struct_config__.frozen
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"surprise": 1}, rule.parameters)
