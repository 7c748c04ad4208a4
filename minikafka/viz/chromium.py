"""A headless Chromium that can reach nothing but this machine: for raster pictures and tests.

A notebook's stored pictures must show where SVG does not (code hosts), so the build draws
them as PNG too; the widgets' tests need the same browser. `FLAGS` let no host name but
the loopback's resolve, so a page that asks the network for anything fails visibly.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
        return page.locator("svg").first.screenshot()
    finally:
        page.close()
