"""Draws the house: the wings of `maksud/` in the order of their layers, and who imports whom.

    python docs/draw_house.py    # writes docs/house.svg

The wings, their order and their ideas come from the first table of `architecture.md`, the arrows
from the imports in the code, lazy ones and those for typing counted. The same code gives the same
picture, byte for byte. Only the standard library is needed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "maksud"
PICTURE = DOCS / "house.svg"

LEFT, TOP = 20, 62
WIDTH, HEIGHT, GAP = 436, 50, 12
"""Of a wing's box."""
LANE = 36
"""Between the lanes of two wings."""

_ROW = re.compile(r"^\| `([a-z_]+)/?` \| (.+?) \|$", re.MULTILINE)

_STYLE = """
    .ground { fill: #fbfbf9 } .box { fill: #fff; stroke: #c6ccd4 } .name { fill: #14213d }
    .text { fill: #4a5568 } .lane { fill: none; stroke-width: 1.6 } .dot { stroke-width: 1.6 }
    .dot { fill: #fff } .count { fill: #14213d }
    .c0 { stroke: #1d6f6a } .c1 { stroke: #b8602c } .c2 { stroke: #4759a8 } .c3 { stroke: #8b3f78 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #161b22 } .box { fill: #212833; stroke: #475060 } .name { fill: #f0f3f6 }
      .text { fill: #b3bdc9 } .dot { fill: #212833 } .count { fill: #f0f3f6 }
      .c0 { stroke: #57bdb4 } .c1 { stroke: #e79a68 } .c2 { stroke: #92a4f0 }
      .c3 { stroke: #d68cc2 }
    }
"""


@dataclass(frozen=True, slots=True)
class Wing:
    """A folder of the package, or a module that stands alone."""

    name: str
    idea: str
    modules: int


def read_wings(page: str, package: Path) -> list[Wing]:
    """The wings, top to bottom, as the first table of the page lists them."""
    table = page.split("\n## Wings\n", 1)[1].split("\n\n##", 1)[0].split("\n### ", 1)[0]
    found = []
    for name, idea in _ROW.findall(table):
        folder = package / name
        modules = len(list(folder.rglob("*.py"))) if folder.is_dir() else 1
        found.append(Wing(f"{name}/" if folder.is_dir() else name, idea.replace("`", ""), modules))
    return found


def count_imports(package: Path) -> dict[tuple[str, str], int]:
    """(importing wing, imported wing) → pairs of modules, one of which imports the other."""
    pairs: dict[tuple[str, str], set[tuple[Path, str]]] = {}
    for path in sorted(package.rglob("*.py")):
        own = path.relative_to(package).parts[0].removesuffix(".py")
        for name in _imported(path, package):
            other = name.split(".")[1]
            if other != own:
                pairs.setdefault((own, other), set()).add((path, name))
    return {pair: len(found) for pair, found in sorted(pairs.items())}


def _imported(path: Path, package: Path) -> set[str]:
    """The modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from folder import name`: the name is a module of it, or something in it.
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                names.append(name if _is_module(name, package) else node.module)
        found |= {n for n in names if n.startswith(f"{package.name}.")}
    return found


def _is_module(name: str, package: Path) -> bool:
    place = package.parent.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def draw(wings: list[Wing], imports: Mapping[tuple[str, str], int]) -> str:
    """The picture as SVG text.

    A wing's box stands on the left. Its lane leaves the box at the lower right and goes up;
    where it meets the line of a wing that it imports stands a circle with the count, and the
    line ends with an arrow at that wing.
    """
    order = [w.name.rstrip("/") for w in wings]
    known = {
        (order.index(a), order.index(b)): n
        for (a, b), n in imports.items()
        if a in order and b in order
    }
    width = LEFT + WIDTH + LANE * len(wings) + 28
    height = TOP + len(wings) * (HEIGHT + GAP) + 30
    lines: list[str] = []
    dots: list[str] = []
    boxes: list[str] = []
    edge = LEFT + WIDTH
    for k, wing in enumerate(wings):
        y = TOP + k * (HEIGHT + GAP)
        users = [a for a, b in known if b == k]
        if users:
            lines.append(
                f'<path class="lane {_colour(k)}" marker-end="url(#{_colour(k)})" '
                f'd="M{_lane(max(users))} {y + 17}H{edge + 3}"/>'
            )
        uses = [b for a, b in known if a == k]
        if uses:
            top = TOP + min(uses) * (HEIGHT + GAP) + 17
            lines.append(
                f'<path class="lane {_colour(k)}" '
                f'd="M{edge} {y + 36}H{_lane(k) - 8}q8 0 8 -8V{top}"/>'
            )
        for a in users:
            dots.append(
                f'<circle class="dot {_colour(a)}" cx="{_lane(a)}" cy="{y + 17}" r="11"/>'
                f'<text class="count" x="{_lane(a)}" y="{y + 21}" font-size="11" '
                f'text-anchor="middle">{known[a, k]}</text>'
            )
        many = f"{wing.modules} modules" if wing.modules > 1 else "1 module"
        boxes.append(
            f'<rect class="box" x="{LEFT}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>'
            f'<text class="name" x="{LEFT + 14}" y="{y + 21}" font-size="15" font-weight="600">'
            f"{escape(wing.name)}</text>"
            f'<text class="text" x="{edge - 14}" y="{y + 21}" font-size="12" '
            f'text-anchor="end">{many}</text>'
            f'<text class="text" x="{LEFT + 14}" y="{y + 40}" font-size="12">'
            f"{escape(wing.idea)}</text>"
        )
    markers = "".join(
        f'<marker id="c{k}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path class="c{k}" fill="none" stroke-width="2" '
        'd="M1 1 9 5 1 9"/></marker>'
        for k in range(4)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        "font-family=\"ui-sans-serif, system-ui, 'Segoe UI', Roboto, Helvetica, Arial, "
        'sans-serif" role="img" aria-labelledby="t d">',
        '<title id="t">The house: the wings of Maksud and their imports</title>',
        f'<desc id="d">{escape(_describe(order, known))}</desc>',
        f"<style>{_STYLE}</style>",
        f"<defs>{markers}</defs>",
        f'<rect class="ground" width="{width}" height="{height}" rx="12"/>',
        f'<text class="text" x="{LEFT}" y="27" font-size="13">Imports only go up. A lane leaves '
        "its wing to the right and climbs;</text>",
        f'<text class="text" x="{LEFT}" y="46" font-size="13">a circle says how many pairs of '
        "modules import the wing that its arrow ends at.</text>",
        *lines,
        *dots,
        *boxes,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lane(k: int) -> int:
    return LEFT + WIDTH + 14 + LANE * k


def _colour(k: int) -> str:
    return f"c{k % 4}"


def _describe(order: list[str], known: Mapping[tuple[int, int], int]) -> str:
    """The arrows in words, for who does not see them."""
    said = []
    for k, name in enumerate(order):
        uses = [order[b] for a, b in sorted(known) if a == k]
        said.append(f"{name} imports {', '.join(uses)}." if uses else f"{name} imports no other.")
    return " ".join(said)


def picture() -> str:
    """The picture that the code and the page give now."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    return draw(read_wings(page, PACKAGE), count_imports(PACKAGE))


def main() -> None:
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
