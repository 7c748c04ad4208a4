"""Notebooks as pages: Markdown, links, and each kind of output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbformat", reason="needs the lab extra")

from nbformat import v4

from minikafka.lab.site.markup import code, markdown
from minikafka.lab.site.page import Place, Site, start


# --- Markdown ------------------------------------------------------------------------
def html(text: str) -> str:
    return markdown(text, lambda target: target)


def test_a_folded_answer_folds_with_its_code_coloured() -> None:
    found = html(
        "<details><summary>Answer</summary>\n\n```python\nx = 1\n```\n\nAs **said**.\n</details>"
    )
    assert found.startswith("<details><summary>Answer</summary>")
    assert '<span class="c-mi">1</span>' in found and "<strong>said</strong>" in found


def test_tables_and_headings_with_the_names_that_jupyterlab_gives() -> None:
    assert '<table tabindex="0">' in html("| a | b |\n|---|---|\n| 1 | 2 |")
    assert '<h2 id="A-broker-in-a-world">' in html("## A broker in a world")


def test_code_is_escaped_and_an_unknown_language_is_left_alone() -> None:
    assert "&lt;" in code("a < b") and "<b>" not in code("'<b>'")
    assert code("a < b", "no such language") == "a &lt; b"


# --- a page --------------------------------------------------------------------------
def page(tmp_path: Path, *cells: Any, **metadata: Any) -> str:
    notebook = v4.new_notebook(cells=list(cells), metadata=metadata)
    site = start(tmp_path / "site", tmp_path)
    site.add(Place("a.html", "A & B", before=("index.html", "Contents")), notebook)
    return (tmp_path / "site/a.html").read_text(encoding="utf-8")


def ran(*outputs: Any, source: str = "1") -> Any:
    return v4.new_code_cell(source, outputs=list(outputs), execution_count=1)


def shown(**data: Any) -> Any:
    return v4.new_output("display_data", data={k.replace("__", "/"): v for k, v in data.items()})


def test_a_page_says_where_it_is_and_loads_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    text = page(tmp_path, v4.new_markdown_cell("# Hello"))
    assert "<title>A &amp; B</title>" in text and 'rel="prev" href="index.html"' in text
    assert "plotly" not in text and "widget-" not in text
    assert text.count("<script") == 1


def test_links_lead_to_pages_and_files_come_along(tmp_path: Path) -> None:
    (tmp_path / "figure.svg").write_text("<svg/>")
    text = page(tmp_path, v4.new_markdown_cell(
        "[2](02_b.ipynb#Two) [there](https://kafka.apache.org) [here](#Hello) ![a](figure.svg)"
    ))  # fmt: skip
    assert 'href="02_b.html#Two"' in text and 'href="#Hello"' in text
    assert 'href="https://kafka.apache.org"' in text
    (copied,) = (tmp_path / "site/assets").glob("figure-*.svg")
    assert f'src="assets/{copied.name}"' in text


def test_a_link_to_nowhere_stops_the_building(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.md"):
        page(tmp_path, v4.new_markdown_cell("[x](gone.md)"))


def test_an_exercise_says_that_it_needs_the_notebook(tmp_path: Path) -> None:
    said = shown(text__plain="not yet: the position is open")
    text = page(tmp_path, ran(said, source='check("00.1", ...)'), ran(said, source="recheck(1)"))
    assert text.count("To be done in the notebook") == 1 and text.count("not yet") == 1


def test_outputs_in_their_richest_form(tmp_path: Path) -> None:
    text = page(
        tmp_path,
        ran(
            v4.new_output("stream", name="stdout", text="\x1b[31m<red>\x1b[0m\n"),
            v4.new_output("error", ename="E", evalue="v", traceback=["Trace", "E: v"]),
            shown(text__plain="a <b>"),
            shown(**{"text__plain": "no", "image__svg+xml": "<svg id='kept'></svg>"}),
            shown(text__plain="a picture", image__png="AAAA\n"),
            shown(text__plain="no", text__markdown="**bold**"),
        ),
    )
    assert "&lt;red&gt;" in text and "\x1b" not in text
    assert "Trace\nE: v" in text and "a &lt;b&gt;" in text
    assert "<svg id='kept'>" in text and "<strong>bold</strong>" in text
    assert '<img alt="a picture" src="data:image/png;base64,AAAA">' in text
    assert ">no<" not in text


def test_what_pages_share_is_there_once(tmp_path: Path) -> None:
    state = {"_esm": "export default {}", "_css": ".a{}", "title": "</script>", "_view_name": "x"}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"m": {"state": state}}}}
    cell = ran(shown(**{"application__vnd.jupyter.widget-view+json": {"model_id": "m"}}))
    site = Site(tmp_path / "site", tmp_path)
    for name in ("a.html", "b.html"):
        notebook = v4.new_notebook(cells=[cell], metadata={"widgets": widgets})
        site.add(Place(name, name), notebook)
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        assert text.count('<script src="assets/widget-') == 1
        assert text.count('{"title":"<\\/script>"}') == 1
    assert len(list((tmp_path / "site/assets").glob("widget-*.js"))) == 1


def test_a_folder_of_somebody_elses_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="no site put there"):
        start(tmp_path, tmp_path)
    start(tmp_path / "site", tmp_path).asset("a.txt", "old")
    start(tmp_path / "site", tmp_path)
    assert not list((tmp_path / "site/assets").glob("a-*"))
