"""JupyterLab and Chromium for the tests that play a notebook as a reader would."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikafka.viz.chromium import chromium, executable

ROOT = Path(__file__).parent.parent.parent


# Per module: Playwright's loop must have ended before another folder's tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    pytest.importorskip("playwright", reason="needs playwright")
    if executable() is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def progress_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks of `lab` keep what was done."""
    return tmp_path_factory.mktemp("progress") / "progress.json"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, progress_file: Path) -> Iterator[str]:
    """A JupyterLab on a copy of the notebooks; gives "http://127.0.0.1:PORT?token=…" in parts."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    private = {
        name: str(home / name.lower())
        for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    }
    arguments = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home / 'notebooks'}",
        "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
        "--ServerApp.terminals_enabled=False",
    ]  # fmt: skip
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **private,
                "JUPYTER_CONFIG_PATH": str(ROOT / "minikafka/lab/jupyter"),
                "MINIKAFKA_PROGRESS": str(progress_file),
            },
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server, home / "lab.log")
        yield f"http://127.0.0.1:{port}/lab/tree/{{path}}?token={token}&reset"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not answer:\n{log.read_text()}")
