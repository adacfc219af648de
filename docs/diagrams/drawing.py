"""Boxes, words and arrows of a diagram, written as SVG.

A diagram is 380 units wide, so that its words, of at least 12 units, can be read on a phone. Its
areas differ in lightness, and nothing is told by colour alone, so that a grey print can be read.
"""

from collections.abc import Sequence
from html import escape

WIDTH = 380
SCALE = 1.5  # Pixels per unit where there is room; pages shrink what is too wide for them.
TITLE, NORMAL, SMALL = 15, 13, 12
INK, BLUE = "#222222", "#2b5c8a"
# Fill and words of an area: paper, light, dark.
FILLS = {"paper": ("#ffffff", INK), "light": ("#e3ecf5", INK), "dark": (BLUE, "#ffffff")}
ARROW = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
    f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{BLUE}"/></marker>'
)
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

Point = tuple[float, float]


class Drawing:
    """A diagram to which parts are added one by one.

    Args:
        name: of its file, without the suffix.
        title: what a screen reader says first.
        description: what can be seen, in full sentences, for those who cannot see it.
        height: in units; the width is always 380.
    """

    def __init__(self, name: str, title: str, description: str, height: int) -> None:
        self.name = name
        self.title = title
        self.description = description
        self.height = height
        self.parts: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: int = NORMAL,
        anchor: str = "middle",
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        """Write one line, whose baseline is at y."""
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}"{weight}>{escape(words, quote=False)}</text>'
        )

    def area(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "light",
        round_by: float = 6,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle without words."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_by:g}" '
            f'fill="{FILLS[fill][0]}" stroke="{BLUE}" stroke-width="1.2"{dashes}/>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *lines: str,
        title: str = "",
        fill: str = "light",
    ) -> None:
        """Draw a rectangle with a bold title and lines in its middle."""
        self.area(x, y, width, height, fill)
        rows = [(title, TITLE, True)] * bool(title) + [(line, NORMAL, False) for line in lines]
        top = y + height / 2 - 9 * (len(rows) - 1) + 5
        for row, (words, size, bold) in enumerate(rows):
            self.text(x + width / 2, top + 18 * row, words, size, "middle", bold, FILLS[fill][1])

    def path(self, *points: Point, head: bool = True, dashed: bool = False) -> None:
        """Draw straight lines from point to point, with a head at the last one."""
        way = " ".join(f"{'L' if n else 'M'}{x:g} {y:g}" for n, (x, y) in enumerate(points))
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        end = ' marker-end="url(#head)"' if head else ""
        self.parts.append(
            f'<path d="{way}" fill="none" stroke="{BLUE}" stroke-width="1.8"{dashes}{end}/>'
        )

    def dot(self, x: float, y: float, radius: float = 6, fill: str = "dark") -> None:
        """Draw a circle."""
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{FILLS[fill][0]}" '
            f'stroke="{BLUE}" stroke-width="1.5"/>'
        )

    def lines(self, x: float, y: float, lines: Sequence[str], anchor: str = "start") -> None:
        """Write several lines, the first at y."""
        for row, words in enumerate(lines):
            self.text(x, y + 17 * row, words, NORMAL, anchor)

    def svg(self) -> str:
        """Return the diagram as the text of a file."""
        width, height = round(SCALE * WIDTH), round(SCALE * self.height)
        names = f"{self.name}-title {self.name}-description"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" role="img" aria-labelledby="{names}" '
            f'font-family="{FONT}">\n'
            f'<title id="{self.name}-title">{escape(self.title)}</title>\n'
            f'<desc id="{self.name}-description">{escape(self.description)}</desc>\n'
            f"<defs>{ARROW}</defs>\n"
            f'<rect width="{WIDTH}" height="{self.height}" fill="#ffffff"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )
