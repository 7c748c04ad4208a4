"""FIDELITY.md: what is as in Kafka, what is simpler, and which tests show it.

    python tools/fidelity.py            writes FIDELITY.md
    python tools/fidelity.py --check    exit code 1 when FIDELITY.md is not what would be written

Made from two things that stand in the code: the first sentence of each file, and its lines
that begin with `Not done:`. A file without such a line claims to be equivalent to its part
of Kafka. The tests of a file are those that import it, or the folder of tests with its
folder's name.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MESSAGES = ROOT / "minikafka/wire/messages"
PAGE = ROOT / "FIDELITY.md"
FOLDERS = {
    "client": "What the clients share",
    "producer": "A record is born",
    "record": "It becomes bytes",
    "wire": "Bytes become a conversation",
    "broker": "A broker answers",
    "log": "It is written",
    "replica": "It is committed",
    "quorum": "Which topics exist",
    "consumer": "It is read",
    "runtime": "What carries it all",
    "": "Admin, configs, the seam",
}
TITLE = re.compile(r"(\w+) \((\d+)\): (.*)\n")
NOT_DONE = re.compile(r"Not done: (.*?)(?= Not done: |\n\s*\n|\Z)", re.DOTALL)

HEAD = """# Fidelity

Made by `make fidelity` from the code; do not edit. *Equivalent* means that the file claims to
do what its part of Kafka does. *Simplified* means that it says what it leaves out.
"""


def modules(folder: str) -> Iterator[Path]:
    base = ROOT / "minikafka" / folder
    for path in sorted(base.glob("**/*.py") if folder else base.glob("*.py")):
        if path.name not in ("__main__.py", "__init__.py"):
            yield path


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def gaps(text: str) -> str:
    """What the `Not done:` lines of a docstring say, for a table's cell."""
    found = NOT_DONE.findall(text.replace("\nNot done:", " Not done:"))
    return "<br>".join(one_line(gap) for gap in found)


def apis() -> Iterator[str]:
    """A table row for each API, by its key: the file that declares it and the one that handles it.

    What a broker does not handle it does not advertise either.
    """
    handlers = {
        int(path.name[1:3]): path for path in sorted((ROOT / "minikafka/broker/apis").glob("k*.py"))
    }
    declared = {}
    for path in MESSAGES.glob("*.py"):
        title = TITLE.match(docstring(path))
        if title:
            declared[int(title[2])] = path, title[1], title[3]
    for key, (path, name, what) in sorted(declared.items()):
        text = docstring(path)
        handled = "declared only"
        versions = re.search(r"Versions? (\S+)\.", text)
        assert versions is not None, f"{path} does not say which versions it has"
        if key in handlers:
            handled = f"`{handlers[key].relative_to(ROOT / 'minikafka').as_posix()}`"
            text += "\n\n" + docstring(handlers[key])
        kips = sorted(set(re.findall(r"KIP-(\d+)", text)), key=int)
        cells = [str(key), name, what.rstrip("."), versions[1], handled, ", ".join(kips)]
        yield f"| {' | '.join(cells)} | {gaps(text)} |"


def row(path: Path, tests: dict[str, set[str]]) -> str | None:
    """A table row for a file; None for one that has nothing to say."""
    text = docstring(path)
    if not text or TITLE.match(text) or path.parent.name == "apis":
        return None  # those have a table of their own
    sentence = re.split(r"(?<=[.:])\s", " ".join(text.split("\n\n")[0].split()), maxsplit=1)[0]
    name = path.relative_to(ROOT / "minikafka").as_posix()
    missing = gaps(text)
    state = "simplified" if missing else "equivalent"
    shown = ", ".join(f"`{test}`" for test in sorted(tests.get(name, ()))[:3])
    return f"| `{name}` | {sentence.rstrip(':')} | {state} | {missing} | {shown} |"


def one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").rstrip(".")


def tests_by_module() -> dict[str, set[str]]:
    """File of the package -> the test files that import it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        test = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minikafka."):
                module = (node.module or "").removeprefix("minikafka.").replace(".", "/")
                found.setdefault(f"{module}.py", set()).add(test)
                for alias in node.names:
                    found.setdefault(f"{module}/{alias.name}.py", set()).add(test)
    for path in sorted((ROOT / "minikafka").rglob("*.py")):
        name = path.relative_to(ROOT / "minikafka")
        folder = ROOT / "tests" / (name.parts[0] if len(name.parts) > 1 else "")
        if name.as_posix() not in found and len(name.parts) > 1 and folder.is_dir():
            found[name.as_posix()] = {f"tests/{name.parts[0]}/"}
    for client in ("client", "producer", "consumer"):
        for path in sorted((ROOT / "minikafka" / client).glob("*.py")):
            found.setdefault(f"{client}/{path.name}", {"tests/clients/"})
    return found


def page() -> str:
    tests = tests_by_module()
    parts = [HEAD]
    for folder, title in FOLDERS.items():
        rows = [line for path in modules(folder) if (line := row(path, tests))]
        parts.append(f"\n## {title}\n\n| file | what it is | state | not done | shown by |")
        parts.append("|---|---|---|---|---|")
        parts.extend(rows)
    parts.append(
        "\n## Every API\n\n| key | API | what it is for | versions | handled | KIPs | not done |"
    )
    parts.append("|---|---|---|---|---|---|---|")
    parts.extend(apis())
    return "\n".join(parts) + "\n"


def main() -> int:
    made = page()
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
