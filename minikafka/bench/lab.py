"""JupyterLab on a folder, and a widget in a notebook of one cell: widgets as a reader has them.

    with jupyterlab(folder, home) as address:         address.format(path="one.ipynb")
    with in_jupyterlab(browser, "view") as tab:       the cell is run, `tab` is a page of Playwright

It starts with settings of its own, in `home`: nobody's open tabs, extensions or themes.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STARTS_S = 60
ARGUMENTS = (
    "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port-retries=0",
    "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
    "--ServerApp.terminals_enabled=False",
)  # fmt: skip
PRIVATE = ("JUPYTERLAB_SETTINGS_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")


@contextmanager
def jupyterlab(folder: Path, home: Path, **environment: str) -> Iterator[str]:
    """Its address, with a place for the path of a notebook. Raises TimeoutError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, log = secrets.token_hex(16), home / "lab.log"
    own = (f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}")
    private = {name: str(home / name.lower()) for name in PRIVATE}
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *ARGUMENTS, *own],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **private, **environment},
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server, log)
        yield f"http://127.0.0.1:{port}/lab/tree/{{path}}?token={token}&reset"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + STARTS_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if server.poll() is not None or monotonic() > until:
                raise TimeoutError(f"JupyterLab did not answer:\n{log.read_text()}") from None
            sleep(0.2)


@contextmanager
def in_jupyterlab(browser: Browser, source: str) -> Iterator[Page]:
    """A tab with a notebook of one cell, run, and its widget drawn."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "notebooks")
        folder.mkdir()
        (folder / "one.ipynb").write_text(_notebook(source), encoding="utf-8")
        with jupyterlab(folder, Path(home)) as address:
            tab = browser.new_page(viewport={"width": 1440, "height": 1100})
            tab.goto(address.format(path="one.ipynb"))
            tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=STARTS_S * 1_000)
            tab.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
            tab.locator(".mk-picture text").first.wait_for(timeout=STARTS_S * 1_000)
            yield tab


def _notebook(source: str) -> str:
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": source}
    code = {**cell, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    return json.dumps({"cells": [code], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
