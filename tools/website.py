"""The course as a website that needs no kernel and no network: `make site`.

    python tools/website.py                  into build/site
    python tools/website.py --folder DIR     into another folder

Serve it with any file server (python -m http.server -d build/site), or open index.html. The
notebooks are executed anew, because a stored one does not hold what its widgets were told.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minikafka.lab.course import CHAPTERS
from minikafka.lab.site.page import Place, start
from notebooks import NOTEBOOKS, ROOT, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the course as web pages.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "site")
    folder = parser.parse_args(arguments).folder
    site = start(folder, NOTEBOOKS)
    for place in places():
        source = NOTEBOOKS / "src" / Path(place.file).with_suffix(".py")
        site.add(place, run(source))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder / 'index.html'}  {len(places())} pages, {size / 1e6:.1f} MB")
    return 0


def places() -> list[Place]:
    """The contents page and the chapters, each with its neighbours."""
    titles = [("index.html", "Contents")] + [
        (Path(chapter.file).with_suffix(".html").name, f"{chapter.number} · {chapter.title}")
        for chapter in CHAPTERS
    ]
    around = [None, *titles, None]
    return [Place(*title, before=around[i], after=around[i + 2]) for i, title in enumerate(titles)]


if __name__ == "__main__":
    sys.exit(main())
