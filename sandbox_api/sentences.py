"""Sentences for people in Kazakh, Russian and English: refusals, problems, screens, money, times.

One gettext catalogue a language (`locale/<lang>/LC_MESSAGES/tenge.po`) holds every string, the
screens' too, but those about programmes' files (`programmes.po`), which no screen says; browsers
get the first as JSON (`catalogue_json`) and render it with `static/client/words.js`. The core knows
codes and typed parameters only (design D6). Number and date formats are Babel's; times are shown in
Almaty's, UTC+5 since 1 March 2024.

A message may hold `{name}` and `{name:form}`; forms are `money` (tenge), `amount` (of the asset in
parameter `asset`), `time` (ms UTC: day and minute), `clock` (minute only), `day` (with its year),
`list`, `name` (a name; an id counts as absent), `class`, `classes`, `role`, `word` (a message's
key). A part in [brackets] is left out where one of
its parameters is missing: a reader must not assume that a refusal carries any parameter at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from babel import Locale
from babel.dates import format_skeleton, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from ledger.core.decision import Reason

LANGUAGES: Final = ("kk", "ru", "en")
"""The languages spoken, the default first."""

TENGE: Final = "KZTD"
"""Code of digital tenge: shown as money, not as a code."""

MINUS: Final = "\N{MINUS SIGN}"
"""Before amounts below zero, in every language."""

OFFSET_MINUTES: Final = 300
"""Times are shown in Almaty's time."""

Value = str | int | list[str] | None
"""What a parameter of a message may be; None counts as missing."""

_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_PART = re.compile(r"\[([^\]]*)\]")
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_BRACE = "\x01"


def languages() -> tuple[str, ...]:
    """The languages there are sentences in, the default first."""
    return LANGUAGES


def text(key: str, lang: str, **params: Value) -> str:
    """The message `key` with its parameters; the key itself where no catalogue has it."""
    message = _messages(lang).get(key) or _programme_messages(lang).get(key)
    return key if message is None else _filled(message, lang, params)


def render(reason: Reason, lang: str) -> str:
    """What happened and what would make it pass: one or two sentences."""
    what, mend = (f"refusal.{reason.code}.{part}" for part in ("what", "mend"))
    return f"{text(what, lang, **reason.params)} {text(mend, lang, **reason.params)}".strip()


def problem(code: str, lang: str, default: str = "") -> str:
    """One sentence for a problem's code, by its longest known prefix.

    `default` is an English sentence that may say more than the prefix does: English readers get it
    instead, others behind the general sentence.
    """
    messages = _messages(lang)
    if f"problem.{code}" in messages:
        return text(f"problem.{code}", lang)
    if default and lang == "en":
        return default
    prefix = code
    while "." in prefix:
        prefix = prefix.rpartition(".")[0]
        if f"problem.{prefix}" in messages:
            break
    else:
        prefix = "other"
    general = text(f"problem.{prefix}", lang)
    return f"{general} ({default})" if default else general


def money(amount_text: str, lang: str) -> str:
    """An amount of tenge ("1290.00" is "1 290 ₸"); tiyn are shown where there are any."""
    digits = 2 if re.search(r"\.\d*[1-9]", amount_text) else 0
    number = _decimal(amount_text.removeprefix("-"), lang, digits)
    return _sign(amount_text) + _tenge_pattern(lang).replace("{0}", number)


def amount(amount_text: str, asset: str | None, lang: str) -> str:
    """An amount of any asset: tenge as money, others with their code behind."""
    if asset in (None, TENGE):
        return money(amount_text, lang)
    return f"{_sign(amount_text)}{_decimal(amount_text.removeprefix('-'), lang, 0)}\xa0{asset}"


def _sign(amount_text: str) -> str:
    return MINUS if amount_text.startswith("-") else ""


def stamp(ms: int, lang: str) -> str:
    """A time in ms UTC as day, month, hour and minute in Almaty."""
    at = _local(ms)
    day = format_skeleton("MMMd", at, locale=lang)
    return _stamp_pattern(lang).replace("{1}", day).replace("{0}", clock(ms, lang))


def day(ms: int, lang: str) -> str:
    """A time in ms UTC as a day of a year in Almaty."""
    return format_skeleton("yMMMd", _local(ms), locale=lang)


def clock(ms: int, lang: str) -> str:
    """A time in ms UTC as hour and minute in Almaty."""
    return format_time(_local(ms), "HH:mm", locale=lang)


def catalogue_json(lang: str) -> dict[str, Any]:
    """All that a browser needs to speak `lang`: {lang, messages, format}."""
    locale = _locale(lang)
    symbols = locale.number_symbols["latn"]
    months = locale.months["format"]["abbreviated"]
    return {
        "lang": lang,
        "messages": dict(_messages(lang)),
        "format": {
            "decimal": symbols["decimal"],
            "group": symbols["group"],
            "minus": MINUS,
            "tenge": _tenge_pattern(lang),
            "tenge_code": TENGE,
            "months": [months[month] for month in range(1, 13)],
            "date": locale.datetime_skeletons["MMMd"].pattern,
            "time": "HH:mm",
            "stamp": _stamp_pattern(lang),
            "offset_minutes": OFFSET_MINUTES,
        },
    }


def _filled(message: str, lang: str, params: Mapping[str, Value]) -> str:
    def fill(part: str, *, optional: bool) -> str:
        missing = False

        def place(found: re.Match[str]) -> str:
            nonlocal missing
            shown = _shown(params.get(found[1]), found[2] or "plain", lang, params)
            missing = missing or shown is None
            return shown or ""

        filled = _PLACE.sub(place, part)
        return "" if optional and missing else filled

    # Filled values are not filled again, whatever they hold.
    parts = _PART.sub(lambda part: fill(part[1], optional=True).replace("{", _BRACE), message)
    sentence = fill(parts, optional=False).replace(_BRACE, "{").strip()
    return sentence[:1].upper() + sentence[1:] if message.startswith("[") else sentence


def _shown(value: Value, form: str, lang: str, params: Mapping[str, Value]) -> str | None:
    if value is None or value == "" or value == []:
        return None
    return _FORMS[form](value, lang, params)


def _named(group: str) -> Callable[[Any, str, Mapping[str, Value]], str]:
    def names(value: Any, lang: str, params: Mapping[str, Value]) -> str:
        messages = _messages(lang)
        return ", ".join(messages.get(f"{group}.{name}", name) for name in _listed(value))

    return names


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


_FORMS: Final[Mapping[str, Callable[[Any, str, Mapping[str, Value]], str | None]]] = {
    "plain": lambda value, lang, params: str(value),
    "money": lambda value, lang, params: money(str(value), lang),
    "amount": lambda value, lang, params: amount(str(value), _code(params.get("asset")), lang),
    "time": lambda value, lang, params: stamp(int(value), lang),
    "clock": lambda value, lang, params: clock(int(value), lang),
    "day": lambda value, lang, params: day(int(value), lang),
    "word": lambda value, lang, params: text(str(value), lang),
    "list": lambda value, lang, params: ", ".join(_listed(value)),
    "name": lambda value, lang, params: None if _ID.fullmatch(str(value)) else str(value),
    "class": _named("class"),
    "classes": _named("class"),
    "role": _named("role"),
}


def _code(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _decimal(amount_text: str, lang: str, digits: int) -> str:
    """A decimal string with the language's separators; trailing zeroes go, `digits` stay."""
    try:
        number = Decimal(amount_text)
    except InvalidOperation:
        return amount_text
    pattern = "#,##0." + "0" * digits + "#" * (8 - digits)
    return format_decimal(number, pattern, locale=lang, decimal_quantization=False)


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(minutes=OFFSET_MINUTES)


@lru_cache(maxsize=len(LANGUAGES))
def _messages(lang: str) -> Mapping[str, str]:
    return _read(lang, "tenge")


@lru_cache(maxsize=len(LANGUAGES))
def _programme_messages(lang: str) -> Mapping[str, str]:
    return _read(lang, "programmes")


def _read(lang: str, name: str) -> Mapping[str, str]:
    source = files("sandbox_api") / "locale" / lang / "LC_MESSAGES" / f"{name}.po"
    with source.open("rb") as file:
        catalogue = read_po(file, locale=lang, abort_invalid=True)
    return {str(message.id): str(message.string) for message in catalogue if message.id}


@lru_cache(maxsize=len(LANGUAGES))
def _locale(lang: str) -> Locale:
    return Locale.parse(lang)


def _tenge_pattern(lang: str) -> str:
    pattern = _locale(lang).currency_formats["standard"].pattern
    return re.sub(r"[#0,.]+", "{0}", pattern.replace("¤", "₸"))


def _stamp_pattern(lang: str) -> str:
    return str(_locale(lang).datetime_formats["medium"])
