"""A picture of where marked money went: SVG written as text, no library.

Columns by distance from the budget, bands as wide as the amounts, final payees last. It needs no
script; colours follow the reader's light or dark setting, and a title and a sentence say the same
to who does not see it. It is made to be read at 390 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Final

import msgspec

COLUMN: Final = 92
"""Units from one column to the next."""
BOX: Final = 12
"""Width of a party's bar."""
GAP: Final = 34
"""Between two bars of a column: their labels stand there."""
TOP: Final = 30
HEIGHT: Final = 180
"""What the largest sum of a column is as high as."""
LETTERS: Final = 13
"""Of a longer name the beginning stands in the picture, the whole in the bar's own title."""
LEAST: Final = 2
"""No band is thinner."""

STYLE: Final = (
    "text{font:11px system-ui,sans-serif;fill:#1b2430;paint-order:stroke;stroke:#fff;"
    "stroke-width:3px}.sum{fill:#5a6675}.bar{fill:#0b6e6e}"
    ".band{fill:none;stroke:#0b6e6e;stroke-opacity:.35}.paid{stroke:#b5651d}"
    "@media(prefers-color-scheme:dark){text{fill:#e8edf2;stroke:#101418}.sum{fill:#a5b1be}.bar{fill:#4cc2c2}"
    ".band{stroke:#4cc2c2}.paid{stroke:#e0a060}}"
)


class Flow(msgspec.Struct, frozen=True):
    """So many minor units went from one party to another; `paid`: out of the mark."""

    source: str
    target: str
    amount: int
    paid: bool


class _Node(msgspec.Struct):
    """A party, as a holder of marked money or as a final payee."""

    party: str
    payee: bool
    column: int = 0
    received: int = 0
    given: int = 0
    y: float = 0.0

    @property
    def size(self) -> int:
        return max(self.received, self.given)


_Key = tuple[str, bool]


def drawing(
    budget: str,
    flows: Iterable[Flow],
    *,
    title: str,
    sentence: str,
    name: Callable[[str], str],
    amount: Callable[[int], str],
) -> bytes:
    """The picture of these flows. `budget`: the party whose money it was; `name` and `amount` say
    how parties and minor units are written."""
    summed = _summed(flows)
    nodes = _placed(budget, summed)
    scale = _scale(nodes)
    height = _stacked(nodes, scale)
    width = COLUMN * (1 + max(node.column for node in nodes.values()))
    body = [_band(nodes, flow, scale) for flow in summed]
    body += [_bar(node, scale, name, amount) for node in nodes.values()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="t d"><title id="t">{escape(title)}</title>'
        f'<desc id="d">{escape(sentence)}</desc><style>{STYLE}</style>{"".join(body)}</svg>'
    ).encode()


def _summed(flows: Iterable[Flow]) -> list[Flow]:
    """One flow for each pair of parties, the largest first; what went back is taken off."""
    sums: dict[tuple[str, str, bool], int] = {}
    for flow in flows:
        key = (flow.source, flow.target, flow.paid)
        sums[key] = sums.get(key, 0) + flow.amount
    found = [Flow(s, t, amount, paid) for (s, t, paid), amount in sums.items() if amount > 0]
    return sorted(found, key=lambda flow: (-flow.amount, flow.source, flow.target))


def _placed(budget: str, flows: list[Flow]) -> dict[_Key, _Node]:
    """Parties in their columns: holders by distance from the budget, final payees after all."""
    nodes: dict[_Key, _Node] = {(budget, False): _Node(budget, False)}
    for flow in flows:
        for key in ((flow.source, False), (flow.target, flow.paid)):
            nodes.setdefault(key, _Node(*key, column=-1))
        nodes[flow.source, False].given += flow.amount
        nodes[flow.target, flow.paid].received += flow.amount
    edge = [nodes[budget, False]]
    while edge:
        reached = {node.party for node in edge}
        edge = []
        for flow in flows:
            target = nodes[flow.target, flow.paid]
            if flow.source in reached and not flow.paid and target.column < 0:
                target.column = nodes[flow.source, False].column + 1
                edge.append(target)
    last = max(node.column for node in nodes.values()) + 1
    for node in nodes.values():
        if node.column < 0:
            node.column = last if node.payee else 0
    return nodes


def _scale(nodes: dict[_Key, _Node]) -> float:
    """Units of the picture for one minor unit of money."""
    columns: dict[int, int] = {}
    for node in nodes.values():
        columns[node.column] = columns.get(node.column, 0) + node.size
    return HEIGHT / max(1, *columns.values())


def _stacked(nodes: dict[_Key, _Node], scale: float) -> int:
    """Put the bars of each column one under the other; how high the picture is."""
    bottoms: dict[int, float] = {}
    for node in sorted(nodes.values(), key=lambda node: (node.column, -node.size, node.party)):
        node.y = bottoms.get(node.column, TOP)
        bottoms[node.column] = node.y + max(LEAST, node.size * scale) + GAP
        node.received = node.given = 0  # from now on: how much of the bar has its bands
    return round(max(bottoms.values()))


def _band(nodes: dict[_Key, _Node], flow: Flow, scale: float) -> str:
    source, target = nodes[flow.source, False], nodes[flow.target, flow.paid]
    thick = max(LEAST, flow.amount * scale)
    start, end = source.y + source.given * scale, target.y + target.received * scale
    source.given += flow.amount
    target.received += flow.amount
    left, right = source.column * COLUMN + BOX, target.column * COLUMN
    bend = (left + right) / 2
    y1, y2 = start + thick / 2, end + thick / 2
    kind = "band paid" if flow.paid else "band"
    return (
        f'<path class="{kind}" stroke-width="{thick:.1f}"'
        f' d="M{left} {y1:.1f}C{bend:.0f} {y1:.1f} {bend:.0f} {y2:.1f} {right} {y2:.1f}"/>'
    )


def _bar(
    node: _Node, scale: float, name: Callable[[str], str], amount: Callable[[int], str]
) -> str:
    x, units, whole = node.column * COLUMN, node.size, name(node.party)
    short = whole if len(whole) <= LETTERS else f"{whole[: LETTERS - 1].rstrip()}…"
    return (
        f'<rect class="bar" x="{x}" y="{node.y:.1f}" width="{BOX}"'
        f' height="{max(LEAST, units * scale):.1f}"><title>{escape(whole)}</title></rect>'
        f'<text x="{x}" y="{node.y - 15:.1f}">{escape(short)}</text>'
        f'<text class="sum" x="{x}" y="{node.y - 3:.1f}">{escape(amount(units))}</text>'
    )
