"""What holds for the project as a whole: linter and type checker agree, who may import what,
how fast an import is, that a skip can be forbidden, and that the stored notebooks are what
their scripts give."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minikafka"
SOURCES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# Modules that reach the world (clock, chance, disk, network, other processes).
WORLD = {"asyncio", "os", "random", "selectors", "socket", "subprocess", "threading", "time"}
# ... and where they may be used. Everything else is a machine that is told what happens.
MAY_USE_WORLD = ("runtime/", "log/files.py", "cli/", "bench/", "viz/", "lab/progress.py")

# Folder -> other folders and modules of ours that it may know. `node`, `trace`, `loggers` and
# `config` know no folder and may be known by all.
KNOWS = {
    "record": set(),
    "wire": {"record"},
    "log": {"record", "wire"},
    "client": {"wire", "runtime"},  # without a world, a client gets one of sockets
    "producer": {"record", "wire", "client"},
    "consumer": {"record", "wire", "client"},
    "admin": {"wire", "client"},
    # It shows what was said and stored: no broker, replica or client is known from inside.
    "viz": {"record", "wire", "log", "producer", "admin", "runtime", "bench"},
}
KNOWN_TO_ALL = {"node", "trace", "config", "loggers", "__version__"}


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(module, names) of every import that runs; those for type checkers only are left out."""

    def walk(nodes: list[ast.stmt]) -> Iterator[tuple[str, list[str]]]:
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, []) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or "", [alias.name for alias in node.names]
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                yield from walk(node.orelse)
            else:
                for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                    yield from walk(getattr(node, field, []))

    return walk(ast.parse(path.read_text(encoding="utf-8")).body)


@pytest.mark.parametrize("command", ["ruff check", "mypy"])
def test_checker_finds_nothing(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_drivers_touch_the_world(path: Path) -> None:
    if str(path.relative_to(PACKAGE)).startswith(MAY_USE_WORLD):
        return
    worldly = [
        module
        for module, names in imports(path)
        if module.partition(".")[0] in WORLD and (module, names) != ("random", ["Random"])
    ]
    assert not worldly, f"{path.relative_to(ROOT)} imports {', '.join(worldly)}"


@pytest.mark.parametrize("folder", KNOWS)
def test_imports_point_one_way(folder: str) -> None:
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        ours = {
            part[1] if len(part := module.split(".")) > 1 else names[0]
            for module, names in imports(path)
            if module.partition(".")[0] == "minikafka"
        }
        unknown = ours - KNOWS[folder] - KNOWN_TO_ALL - {folder}
        assert not unknown, f"{path.relative_to(ROOT)} knows {', '.join(sorted(unknown))}"


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter loads to run this, beyond those it starts with."""
    code = f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


# How long a start takes is measured by `minikafka bench start`; what makes it short is this.
def test_import_loads_nothing_that_is_not_used_yet() -> None:
    modules = loaded("import minikafka")
    assert {name for name in modules if name.startswith("minikafka")} == {"minikafka"}
    assert {name.partition(".")[0] for name in modules} - {"minikafka"} <= sys.stdlib_module_names
    assert not modules & {"asyncio", "socket", "threading", "dataclasses", "inspect"}


def test_a_broker_loads_only_what_it_needs() -> None:
    modules = loaded("import minikafka.cli, minikafka.runtime.serve")
    others = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert others <= {"minikafka", "click", "crc32c"}
    assert not modules & {"asyncio", "ssl", "dataclasses", "concurrent.futures", "logging"}
    clients = ("admin", "producer", "consumer", "lab", "viz", "bench", "runtime.simulator")
    unused = tuple(f"minikafka.{name}" for name in clients)
    assert not [name for name in modules if name.startswith(unused)]


def test_the_examples_of_the_readme_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```python\n(.*?)```", readme, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", examples], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "two teas" in done.stdout  # read back
    shown = re.search(r"```\n\n((?:    .*\n)+)", readme)
    assert shown and done.stdout.startswith(textwrap.dedent(shown[1]))


def test_a_skip_can_be_forbidden(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(
        test_one="import pytest\ndef test_it(): pytest.skip('no kcat here')",
        test_two="import pytest\npytest.importorskip('no_such_package')",
    )
    monkeypatch.delenv("MINIKAFKA_NO_SKIP", raising=False)
    pytester.runpytest_subprocess().assert_outcomes(skipped=2)
    monkeypatch.setenv("MINIKAFKA_NO_SKIP", "1")
    result = pytester.runpytest_subprocess("--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*may not skip (MINIKAFKA_NO_SKIP=1): *no kcat here*"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_is_executed_small_and_equal_to_its_script(path: Path) -> None:
    import jupytext

    notebook = json.loads(path.read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    script = jupytext.read(path.parent / "src" / f"{path.stem}.py")
    assert sources == [cell.source for cell in script.cells], "run `make notebooks`"
    assert all(
        cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"
    ), "a cell that never ran is never compared"
    assert "widgets" not in notebook["metadata"]
    assert path.stat().st_size < 800_000
