"""What the table of colours promises, measured: contrast, and distance for every kind of eye."""

from __future__ import annotations

from itertools import combinations

import pytest

from minikafka.viz import theme

SCHEMES = [pytest.param(theme.LIGHT, id="light"), pytest.param(theme.DARK, id="dark")]
Linear = tuple[float, float, float]

# Linear RGB as a reader without red (protanope) or green cones (deuteranope) sees it:
# Viénot, Brettel and Mollon 1999, in the form that current renderers use.
PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
              (-0.003882, -0.048116, 1.051998))  # fmt: skip
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                (-0.011820, 0.042940, 0.968881))  # fmt: skip


def linear(colour: str) -> Linear:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light = [sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True))
             for x in (one, other)]  # fmt: skip
    return (max(light) + 0.05) / (min(light) + 0.05)


def seen(colour: str, matrix: tuple[Linear, ...]) -> Linear:
    rgb = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in matrix
    )
    return red, green, blue


def oklab(rgb: Linear) -> Linear:
    red, green, blue = rgb
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def distance(one: Linear, other: Linear) -> float:
    """OKLab distance × 100."""
    return 100 * sum((a - b) ** 2 for a, b in zip(oklab(one), oklab(other), strict=True)) ** 0.5


@pytest.mark.parametrize("tokens", SCHEMES)
def test_words_are_readable_on_every_ground(tokens: dict[str, str]) -> None:
    for word in ("ink", "ink-2", "ink-3", *(f"{mark}-text" for mark in theme.MARKS[:5])):
        for ground in ("page", "surface", "raised", "cell"):
            ratio = contrast(tokens[word], tokens[ground])
            assert ratio >= 4.5, f"{word} on {ground}: {ratio:.2f}"
    for idea in theme.MARKS[:5]:
        assert contrast(tokens[f"{idea}-text"], tokens[f"{idea}-soft"]) >= 4.5, idea
    for mark in ("ink", "commit"):  # grounds of white (in dark: black) words
        assert contrast(tokens["inv"], tokens[mark]) >= 4.5, mark


@pytest.mark.parametrize("tokens", SCHEMES)
def test_marks_stand_out_from_their_ground(tokens: dict[str, str]) -> None:
    for mark in theme.MARKS:
        for ground in ("surface", "raised"):
            ratio = contrast(tokens[mark], tokens[ground])
            assert ratio >= 3, f"{mark} on {ground}: {ratio:.2f}"


@pytest.mark.parametrize("matrix", [PROTANOPIA, DEUTERANOPIA], ids=["protanopia", "deuteranopia"])
@pytest.mark.parametrize("tokens", SCHEMES)
def test_ideas_stay_apart_without_red_or_green_cones(
    tokens: dict[str, str], matrix: tuple[Linear, ...]
) -> None:
    for one, other in combinations(theme.MARKS, 2):
        apart = distance(seen(tokens[one], matrix), seen(tokens[other], matrix))
        assert apart >= 13, f"{one} and {other}: {apart:.1f}"


def test_every_token_exists_in_both_schemes() -> None:
    assert list(theme.LIGHT) == list(theme.DARK)


def test_css_names_every_token_and_follows_the_application() -> None:
    text = theme.css()
    for name, value in theme.DARK.items():
        assert f"--mk-{name}:{value};" in text
    assert '[data-jp-theme-light="false"] .mk' in text
    assert text.index("prefers-color-scheme") < text.index("data-jp-theme-light")


def test_plotly_figures_wear_the_same_colours() -> None:
    plotly = pytest.importorskip("plotly")
    assert plotly
    template = theme.plotly_template("dark")
    assert template.layout.colorway[0] == theme.DARK["write"]
    assert template.layout.paper_bgcolor == theme.DARK["surface"]
