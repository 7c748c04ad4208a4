r"""The little TeX that chapters use, as MathML, which browsers draw themselves.

    mathml(r"\frac{3}{5} \times 10\,\text{s}")   <math> … <mfrac> …

Fractions, powers, indices, numbers, letters, signs and words. Anything else raises ValueError,
when the site is built and not when it is read.
"""

from __future__ import annotations

import re
from html import escape

SIGNS = {
    "times": "×", "cdot": "·", "approx": "≈", "le": "≤", "ge": "≥", "ne": "≠", "to": "→",
    "rightarrow": "→", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "sum": "∑",
    "ldots": "…", "dots": "…", "cdots": "⋯", "infty": "∞", "pm": "±", "bmod": "mod", "in": "∈",
    "log": "log", "min": "min", "max": "max", "%": "%", "{": "{", "}": "}", "_": "_", "#": "#",
}  # fmt: skip
LETTERS = {"alpha": "α", "beta": "β", "lambda": "λ", "mu": "μ", "sigma": "σ", "Delta": "Δ"}
SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", " ": "0.33em", "quad": "1em", "!": "0"}
WORDS = ("text", "mathrm", "operatorname", "texttt")
PIECES = re.compile(
    r"\s*(?:(?P<number>\d+(?:(?:\{,\}|\.)\d+)*)|\\(?P<command>[A-Za-z]+|.)"
    r"|(?P<letter>[A-Za-z])|(?P<mark>\S))"
)


def mathml(tex: str, *, is_block: bool = False) -> str:
    """Raises ValueError for TeX that is not known here."""
    reader = _Reader(tex.strip())
    inner = reader.row(end="")
    display = ' display="block"' if is_block else ""
    return f"<math{display}><mrow>{inner}</mrow></math>"


class _Reader:
    """Where in the formula we are."""

    def __init__(self, tex: str) -> None:
        self.tex, self.at = tex, 0

    def row(self, end: str) -> str:
        """Atoms up to the mark `end`, which is taken too."""
        found: list[str] = []
        while self.tex[self.at :].strip():
            if end and self.tex[self.at :].lstrip().startswith(end):
                self.at = self.tex.index(end, self.at) + len(end)
                return "".join(found)
            atom = self.atom()
            if atom in "^_":
                raised, base = self.atom(), found.pop() if found else "<mrow/>"
                tag = "msup" if atom == "^" else "msub"
                atom = f"<{tag}>{base}{raised}</{tag}>"
            found.append(atom)
        if end:
            raise ValueError(f"{end} is missing in {self.tex}")
        return "".join(found)

    def atom(self) -> str:
        piece = PIECES.match(self.tex, self.at)
        if piece is None:
            raise ValueError(f"{self.tex} ends too early")
        self.at = piece.end()
        if piece["number"]:
            return f"<mn>{piece['number'].replace('{,}', ',')}</mn>"
        if piece["command"]:
            return self.command(piece["command"])
        if piece["letter"]:
            return f"<mi>{piece['letter']}</mi>"
        if piece["mark"] == "{":
            return f"<mrow>{self.row('}')}</mrow>"
        if piece["mark"] in "^_":
            return piece["mark"]
        mark = {"-": "−", "*": "∗"}.get(piece["mark"], piece["mark"])
        return f"<mo>{escape(mark)}</mo>"

    def command(self, name: str) -> str:
        if name == "frac":
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name in WORDS:
            return f"<mtext>{escape(self.words())}</mtext>"
        if name in ("left", "right"):
            return self.atom()
        if name in SIGNS:
            return f"<mo>{escape(SIGNS[name])}</mo>"
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        raise ValueError(f"\\{name} in {self.tex} is not known to mathml.py")

    def words(self) -> str:
        """The text in the braces that follow, as it stands."""
        words = re.compile(r"\s*\{([^{}]*)\}").match(self.tex, self.at)
        if words is None:
            raise ValueError(f"words are missing in {self.tex}")
        self.at = words.end()
        return re.sub(r"\\(.)", r"\1", words[1])
