"""Routes as data, and reading a request strictly by what its route says.

One frozen `Route` feeds Flask, the decoders and the OpenAPI document alike, so that none of the
three can differ. Bodies: JSON with every member once, nothing unknown, depth at most 8; or bytes of
a named type. Query parameters by the same types; an unknown or repeated one is refused. A reader
must not assume that a path's id names something: its form is checked here, its being by the route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from ledger.core.envelope import decode_payload
from ledger.errors import Malformed
from sandbox_api.auth import Access, Scope
from sandbox_api.limits import JSON_BODY_BYTES_MAX
from sandbox_api.parking import Parking
from sandbox_api.parts import Parts
from sandbox_api.problems import Problem

T = TypeVar("T", bound=msgspec.Struct)
F = TypeVar("F")

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
SVG: Final = "image/svg+xml"
BYTES: Final = "application/octet-stream"
JOSE: Final = "application/jose"
NDJSON: Final = "application/x-ndjson"


class Open(Enum):
    """For routes without an API key."""

    TO_ALL = "open"


class Call(NamedTuple):
    """One request, read: what a route gets. `token` is the API key; `body` is a Struct, or bytes
    where `media` is one that the route takes raw."""

    parts: Parts
    parking: Parking
    access: Access | None
    token: str
    path: Mapping[str, str]
    query: msgspec.Struct | None
    body: Any
    media: str
    languages: Callable[[], str]

    @property
    def tenant(self) -> int:
        """The number of the caller's sandbox."""
        return 0 if self.access is None else self.access.tenant

    @property
    def lang(self) -> str:
        """The language asked for: kk, ru or en."""
        return self.languages()

    def query_as(self, type_: type[T]) -> T:
        """The query, as its route declared it."""
        return _as(self.query, type_)

    def body_as(self, type_: type[T]) -> T:
        """The JSON body, as its route declared it."""
        return _as(self.body, type_)

    def may(self, scope: Scope) -> bool:
        """Whether the caller's key has a scope."""
        return self.access is not None and scope in self.access.scopes


def require(thing: F | None, what: str) -> F:
    """`thing`, or the problem that this ledger knows no such `what`."""
    if thing is None:
        raise Problem("not_found", f"this ledger knows no such {what}")
    return thing


class Reply(NamedTuple):
    """A success: a Struct to encode as JSON, or bytes with their media type. `cache` is the header
    Cache-Control."""

    body: msgspec.Struct | bytes
    status: int = 200
    media: str = JSON
    cache: str = "no-store"


class Answer(NamedTuple):
    """One kind of success a route has, for the document: `type` is a Struct, one of several, or a
    media type."""

    type: type[msgspec.Struct] | tuple[type[msgspec.Struct], ...] | str
    text: str
    example: Any = None


class Body(NamedTuple):
    """What a route reads. `type`: the Struct of its JSON; `raw`: media types taken as bytes, each
    with an example. `limit`: bytes."""

    type: type[msgspec.Struct] | None = None
    raw: Mapping[str, str] = {}
    limit: int = JSON_BODY_BYTES_MAX
    example: Any = None


class Route(NamedTuple):
    """One method on one path. `path` is OpenAPI's form; its variables are of type `path_type`.

    `problems` are the codes of its own; those that every route has are added by the document.
    `parked`: it may wait for long, so it has a place of another kind than the requests in flight.
    `dear`: it is called so often that it goes without Flask's contexts; its path has no variables.
    """

    method: str
    path: str
    name: str
    summary: str
    run: Callable[[Call], Reply]
    scope: Scope | Open
    answers: Mapping[int, Answer]
    path_type: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    body: Body | None = None
    problems: tuple[str, ...] = ()
    refusals: bool = False
    parked: bool = False
    dear: bool = False
    group: str = "Reading"


class Reader:
    """Reads what comes to one route: its decoders are made once."""

    def __init__(self, route: Route) -> None:
        self._path_type: Final = route.path_type
        self._query: Final = route.query
        self._body: Final = route.body
        type_ = None if route.body is None else route.body.type
        self._decoder: Final = None if type_ is None else msgspec.json.Decoder(type_)
        self._lists: Final = _lists(route.query)

    def check_path(self, found: Mapping[str, str]) -> None:
        """Raise Problem ("request.path") where an id has not an id's form."""
        if self._path_type is None:
            return
        if not all(value.isprintable() for value in found.values()):
            raise Problem("request.path")
        try:
            msgspec.convert(found, self._path_type, strict=False)
        except msgspec.ValidationError as error:
            text, where = _fault(error)
            raise Problem("request.path", text, where=where) from None

    def query(self, pairs: Iterable[tuple[str, list[str]]]) -> msgspec.Struct | None:
        """The query parameters; raises Problem ("request.query"). `lang` is every route's."""
        members: dict[str, str | list[str]] = {}
        for name, values in pairs:
            if name == "lang":
                continue
            if not all(value.isprintable() for value in values):
                raise Problem("request.query", where=name[:64])
            if name in self._lists:
                members[name] = values
            elif len(values) == 1:
                members[name] = values[0]
            else:
                raise Problem("request.query", f"write {name[:64]} once", where=name[:64])
        if self._query is None:
            if members:
                unknown = next(iter(members))[:64]
                raise Problem("request.query", "this path takes no query", where=unknown)
            return None
        try:
            return msgspec.convert(members, self._query, strict=False)
        except msgspec.ValidationError as error:
            text, where = _fault(error)
            raise Problem("request.query", text, where=where) from None

    def media(self, content_type: str, encoding: str) -> str:
        """Which of the route's body types this is; raises Problem ("body.type",
        "body.encoding")."""
        if encoding and encoding.lower() != "identity":
            raise Problem("body.encoding")
        media, _, parameters = content_type.partition(";")
        media = media.strip().lower()
        body = self._body
        if body is None:
            return ""
        charset = parameters.strip().lower().replace('"', "")
        if charset in ("", "charset=utf-8") and (
            (media == JSON and self._decoder is not None) or media in body.raw
        ):
            return media
        named = [JSON] if self._decoder is not None else []
        raise Problem("body.type", f"send {' or '.join([*named, *body.raw])}")

    def body(self, raw: bytes, media: str) -> Any:
        """The body as the route wants it; raises Problem ("body.…")."""
        if not raw:
            raise Problem("body.empty")
        if media != JSON or self._decoder is None:
            return raw
        try:
            return decode_payload(raw, self._decoder)
        except Malformed as error:
            code = error.code.replace("payload.", "body.")
            raise Problem(code, str(error), where=error.where) from None


def _lists(query: type[msgspec.Struct] | None) -> frozenset[str]:
    """Names of the query's parameters that may be repeated."""
    if query is None:
        return frozenset()
    fields = msgspec.inspect.type_info(query).fields  # type: ignore[attr-defined]
    many = (msgspec.inspect.VarTupleType, msgspec.inspect.ListType)
    return frozenset(field.encode_name for field in fields if isinstance(field.type, many))


def _fault(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec's complaint as sentence and member."""
    text, _, path = str(error).partition(" - at `")
    return text, path.rstrip("`").removeprefix("$.").removeprefix("$")


def _as(value: object, type_: type[T]) -> T:
    if not isinstance(value, type_):
        raise AssertionError(f"a route asked for {type_.__name__} and was declared otherwise")
    return value
