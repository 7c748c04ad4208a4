"""Markdown and code as HTML: tables, folded answers, links from chapter to chapter.

    markdown("See [chapter 02](02_segments.ipynb).", link)     link(target) says where it leads
    code("x = 1")                                              with classes for each kind of word

Markdown-it and Pygments are here anyway, for `rich`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound


def markdown(text: str, link: Callable[[str], str]) -> str:
    """A cell's text as HTML; `link` is asked where each link and picture leads."""
    tokens = _MARKDOWN.parse(text)
    _change(tokens, link)
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def code(text: str, language: str = "python") -> str:
    """The inside of a `pre`."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escape(text, quote=False)
    return str(highlight(text, lexer, _FORMATTER)).rstrip("\n")


def plain(text: str) -> str:
    """What a program printed, without the colours of a terminal."""
    return escape(re.sub(r"\x1b\[[0-9;]*m", "", text), quote=False)


_FORMATTER = HtmlFormatter(nowrap=True, classprefix="c-")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_MARKDOWN.options["highlight"] = lambda text, language, _: code(text, language) if language else ""


def _change(tokens: list[Token], link: Callable[[str], str]) -> None:
    """Lead links where they lead here; name headings as JupyterLab does; tables scroll alone."""
    for i, token in enumerate(tokens):
        _change(token.children or [], link)
        for name in ("href", "src"):
            if isinstance(target := token.attrGet(name), str):
                token.attrSet(name, link(target))
        if token.type == "table_open":
            token.attrSet("tabindex", "0")
        if token.type == "heading_open":
            token.attrSet("id", tokens[i + 1].content.replace(" ", "-"))
