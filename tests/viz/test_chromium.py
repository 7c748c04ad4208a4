"""Pictures as PNG: small, and to the eye what Chromium drew."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from minikafka.viz.chromium import png_of_svg, with_palette

FIGURES = Path(__file__).parent.parent.parent / "figures"
# The largest difference of a pixel's part, and the mean one, of two PNG files in base64.
DIFFERENCE = """async pngs => {
  const [one, other] = await Promise.all(pngs.map(async png => {
    const file = await fetch(`data:image/png;base64,${png}`);
    const image = await createImageBitmap(await file.blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  }));
  const apart = one.map((part, i) => Math.abs(part - other[i]));
  return [apart.reduce((most, a) => Math.max(most, a), 0),
          apart.reduce((sum, a) => sum + a, 0) / apart.length];
}"""


def test_a_palette_changes_what_nobody_sees(browser: Any) -> None:
    svg = (FIGURES / "log-strip.svg").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content(f"<body style='margin:0'>{svg}")
    whole = page.locator("svg").first.screenshot()
    small = with_palette(page, whole)
    pngs = [base64.b64encode(png).decode() for png in (whole, small)]
    most, mean = page.evaluate(DIFFERENCE, pngs)
    page.close()
    assert len(small) < 0.6 * len(whole)
    assert most < 80 and mean < 0.5


def test_twice_the_same(browser: Any) -> None:
    svg = (FIGURES / "space-time.svg").read_text(encoding="utf-8")
    assert png_of_svg(browser, svg) == png_of_svg(browser, svg)
