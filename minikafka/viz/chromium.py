"""A headless Chromium that can reach nothing but this machine: for raster pictures and tests.

A notebook's stored pictures must show where SVG does not (code hosts), so the build draws
them as PNG too; the widgets' tests need the same browser. `FLAGS` let no host name but
the loopback's resolve, so a page that asks the network for anything fails visibly.
"""

from __future__ import annotations

import base64
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
# A PNG as a palette of colours, a byte for each of them, and a number a pixel.
_PALETTE = """async png => {
  const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
  const image = await createImageBitmap(blob), { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const colours = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const kept = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 64);
  const parts = colour => [colour & 255, colour >> 8 & 255, colour >> 16 & 255];
  const apart = (a, b) => parts(a).reduce((sum, part, i) => sum + (part - parts(b)[i]) ** 2, 0);
  const places = new Map(kept.map((colour, i) => [colour, i]));
  for (const colour of counts.keys())
    if (!places.has(colour)) {
      const best = kept.reduce((a, b) => apart(b, colour) < apart(a, colour) ? b : a);
      places.set(colour, places.get(best));
    }
  const pixels = Uint8Array.from(colours, colour => places.get(colour));
  const url = await new Promise(done => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(new Blob([pixels]));
  });
  return { width, palette: kept.flatMap(parts), pixels: url.split(",")[1] };
}"""


def executable() -> str | None:
    """Where Chromium (or Chrome) is installed; None when it is not."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Raises FileNotFoundError when none is installed."""
    from playwright.sync_api import sync_playwright

    path = executable()
    if path is None:
        raise FileNotFoundError("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def png_of_svg(browser: Browser, svg: str, scale: float = 1.5) -> bytes:
    """An SVG as PNG, `scale` device pixels for each of its own."""
    page = browser.new_page(device_scale_factor=scale)
    try:
        page.set_content(f"<body style='margin:0;width:max-content'>{svg}</body>")
        return with_palette(page, page.locator("svg").first.screenshot())
    finally:
        page.close()


def with_palette(page: Page, png: bytes) -> bytes:
    """The same picture with a byte a pixel: of a drawing in few colours, a quarter of the size.

    The 64 most frequent colours are kept, a rarer one becomes the nearest of them.
    """
    made = page.evaluate(_PALETTE, base64.b64encode(png).decode())
    width, pixels = made["width"], base64.b64decode(made["pixels"])
    rows = (pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, len(pixels) // width, 8, 3, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        (b"PLTE", bytes(made["palette"])),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
