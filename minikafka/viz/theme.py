"""The tokens of the drawing language: one table, read by CSS, SVG and plotly.

Five ideas have a colour, and every colour comes with a shape, so a reader who sees
no colour loses nothing but speed:

    write    a producer, a batch that lands      nib: points out or down
    commit   high watermark, acknowledged        solid post, filled flag, tick
    read     a consumer and its position         notch, pointer from below
    rule     leader, epoch, vote                 crown, ribbon, circle
    lost     crash, cut, drop                    cross, crack, dashes

Waiting has no colour but a texture (a hatch of `edge`), selection only `ink`. Each
idea has three tokens: the plain one for marks and lines, `-text` for words, `-soft`
for grounds. tests/viz/test_theme.py measures what the table promises: words at
least 4.5 : 1 on every ground they may stand on, marks 3 : 1, and any two marks apart
in the eyes of readers without red or green cones (Viénot et al. 1999, OKLab).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import layout

LIGHT = {
    "page": "#F7F6F2", "surface": "#FFFFFF", "raised": "#F3F3EF",
    "cell": "#E6E8E9", "line": "#DCDBD5", "edge": "#848A94",
    "ink": "#15181D", "ink-2": "#474D57", "ink-3": "#5D636D", "inv": "#FFFFFF",
    "write": "#C86B15", "write-text": "#8A4B00", "write-soft": "#FBE9CE",
    "commit": "#0B5C64", "commit-text": "#0B5A62", "commit-soft": "#D3ECEC",
    "read": "#4A84FB", "read-text": "#1A56B8", "read-soft": "#DFEAFD",
    "rule": "#8C1FBA", "rule-text": "#7A1BA3", "rule-soft": "#F1E2F9",
    "lost": "#AE0500", "lost-text": "#A30A06", "lost-soft": "#FBE0DD",
}  # fmt: skip
DARK = {
    "page": "#0E1013", "surface": "#15181C", "raised": "#1D2126",
    "cell": "#2F353C", "line": "#2B3037", "edge": "#78818D",
    "ink": "#ECEEF0", "ink-2": "#BCC2CA", "ink-3": "#A0A8B2", "inv": "#15181C",
    "write": "#FFC164", "write-text": "#FFC97A", "write-soft": "#3A2A12",
    "commit": "#84EEE4", "commit-text": "#84EEE4", "commit-soft": "#0F3638",
    "read": "#4167DE", "read-text": "#9CBEFF", "read-soft": "#18294A",
    "rule": "#CE8FF8", "rule-text": "#DDAEFB", "rule-soft": "#331F45",
    "lost": "#F0352B", "lost-text": "#FF948C", "lost-soft": "#451B19",
}  # fmt: skip
MARKS = ("write", "commit", "read", "rule", "lost", "edge")
"""The colours that tell ideas apart; what the colour-vision test compares."""

SANS = (
    'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"DejaVu Sans", sans-serif'
)
MONO = '"JetBrains Mono", ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'

# Where a theme comes from, weakest first: the system, then the application that shows the
# notebook (JupyterLab, VS Code, Colab), then an explicit data-theme.
_DARK_HOSTS = (
    '[data-jp-theme-light="false"]',
    'body[data-vscode-theme-kind$="dark"]',
    "html[theme=dark]",
    "[data-theme=dark]",
)
_LIGHT_HOSTS = (
    '[data-jp-theme-light="true"]',
    'body[data-vscode-theme-kind$="light"]',
    "html[theme=light]",
    "[data-theme=light]",
)


def css(scope: str = ".mk") -> str:
    """The tokens as custom properties of elements that match `scope`, light and dark.

    `--mk-write` and so on. Dark follows the system unless the application says
    otherwise: JupyterLab marks its body with `data-jp-theme-light`.
    """
    fonts = f"--mk-sans:{SANS};--mk-mono:{MONO};"
    light, dark = _properties(LIGHT, "light"), _properties(DARK, "dark")
    return "\n".join(
        (
            f"{scope}{{{fonts}{light}}}",
            f"@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}",
            f"{_under(_LIGHT_HOSTS, scope)}{{{light}}}",
            f"{_under(_DARK_HOSTS, scope)}{{{dark}}}",
            "",
        )
    )


def _properties(tokens: dict[str, str], scheme: str) -> str:
    return f"color-scheme:{scheme};" + "".join(f"--mk-{k}:{v};" for k, v in tokens.items())


def _under(hosts: tuple[str, ...], scope: str) -> str:
    return ",".join(f"{host} {scope}" for host in hosts)


def plotly_template(scheme: str = "light") -> layout.Template:
    """The same look for a plotly figure: `figure.update_layout(template=plotly_template())`."""
    from plotly.graph_objects import layout

    tokens = {"light": LIGHT, "dark": DARK}[scheme]
    axis = {
        "gridcolor": tokens["line"],
        "linecolor": tokens["edge"],
        "zerolinecolor": tokens["edge"],
        "tickfont": {"size": 11, "color": tokens["ink-3"]},
        "title": {"font": {"size": 12, "color": tokens["ink-2"]}},
    }
    return layout.Template(
        layout={
            "font": {"family": SANS, "size": 12, "color": tokens["ink"]},
            "title": {"font": {"size": 17, "color": tokens["ink"]}, "x": 0, "xref": "paper"},
            "paper_bgcolor": tokens["surface"],
            "plot_bgcolor": tokens["surface"],
            "colorway": [tokens[mark] for mark in MARKS],
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 56, "r": 16, "t": 48, "b": 44},
        }
    )
