"""Code lines per folder, without comments, docstrings and blank lines.

    python tools/size.py [FOLDER …]      (default: minikafka tests)

Prose is free here: the size that is watched is that of the code, so that nobody
saves a line at the cost of a lesson. A line counts when a token other than a comment
or a docstring stands on it.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def docstring_lines(tree: ast.Module) -> set[int]:
    """Numbers of the lines that belong to a string standing alone as a statement."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def code_line_count(source: str) -> int:
    """How many lines of a Python source carry code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(ast.parse(source)))


def sizes(root: Path) -> Counter[str]:
    """Code lines of the Python files below `root`, summed by its direct children."""
    counts: Counter[str] = Counter()
    for path in sorted(root.rglob("*.py")):
        inner = path.relative_to(root)
        folder = root / inner.parts[0] if len(inner.parts) > 1 else root
        counts[f"{folder}/"] += code_line_count(path.read_text(encoding="utf-8"))
    return counts


def main(roots: list[str]) -> None:
    """Print one table per root folder."""
    for root in roots:
        counts = sizes(Path(root))
        for folder, count in sorted(counts.items(), key=lambda item: -item[1]):
            print(f"{count:7,}  {folder}")
        print(f"{sum(counts.values()):7,}  together\n")


if __name__ == "__main__":
    main(sys.argv[1:] or ["minikafka", "tests"])
