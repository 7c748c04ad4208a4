"""A widget's page in Chromium: what goes wrong there, what it asks the network for, how it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minikafka.viz.page import page

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Opened:
    """The page of a widget; `wrong` collects errors and requests to anywhere but the page."""

    def __init__(self, browser: Any, file: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        self.page = browser.new_page(**options)
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.page.on("request", self._requested)
        self.page.goto(file)
        self.widget = self.page.locator(".mk-widget")
        self.widget.first.wait_for()
        self.drawn()

    @classmethod
    def of(cls, browser: Any, widget: Any, folder: Path, *, scheme: str | None = None,
           size: str = "", **options: Any) -> Opened:  # fmt: skip
        """A widget by itself. `size` "projector" is the large form."""
        path = folder / f"{type(widget).__name__}-{scheme}-{size}.html"
        path.write_text(page(widget, scheme=scheme, size=size), encoding="utf-8")
        return cls(browser, path.as_uri(), **options)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith(("file:", "blob:", "data:")):
            self.wrong.append(f"asked for {request.url}")

    @property
    def moment(self) -> int:
        self.drawn()
        return int(self.widget.get_attribute("data-moment"))

    def press(self, key: str) -> int:
        self.widget.press(key)
        return self.moment

    def drawn(self) -> None:
        """Wait until what was asked for is on the screen."""
        self.page.evaluate(TWO_FRAMES)

    def text(self) -> str:
        return " ".join(self.page.locator(".mk-picture text").all_text_contents())

    def barriers(self) -> list[str]:
        """What the axe engine finds that keeps somebody out: rule, place and what it says."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, context=".mk-widget").response["violations"]
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            for node in each["nodes"]
        ]

    def close(self) -> None:
        self.page.close()
        assert not self.wrong
