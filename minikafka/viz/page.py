"""A widget as one HTML file: no kernel, no network, the same module and style sheet.

An anywidget's module needs little more than a model with `get`, `set` and `on`. Here ten
lines of JavaScript stand in for the kernel's side. Pages like this are what a website can
serve, and what the browser tests open: a second instead of twenty.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anywidget import AnyWidget

_PAGE = """<!doctype html>
<html lang="en"{attributes}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}

body {{ margin: 0; padding: 24px 20px; background: var(--mk-page); }}
#widget {{ margin: 0 auto; max-width: 1160px; }}
</style>
</head>
<body class="mk">
<main id="widget"></main>
<script type="application/json" id="state">{state}</script>
<script type="module">
const state = JSON.parse(document.getElementById("state").textContent), heard = {{}};
const model = {{
  get: name => state[name],
  set(name, value) {{
    if (state[name] === value) return;
    state[name] = value;
    (heard[`change:${{name}}`] ?? []).forEach(listener => listener());
  }},
  on: (event, listener) => {{ (heard[event] ??= []).push(listener); }},
  off: (event, listener) => {{ heard[event] = (heard[event] ?? []).filter(l => l !== listener); }},
  save_changes() {{}},
}};
const blob = new Blob([{module}], {{ type: "text/javascript" }});
const widget = await import(URL.createObjectURL(blob));
widget.default.render({{ model, el: document.getElementById("widget") }});
window.minikafka = {{ model, widget }};
</script>
</body>
</html>
"""


def page(
    widget: AnyWidget, *, title: str = "minikafka", scheme: str | None = None, size: str = ""
) -> str:
    """The page's text. `scheme` "light" or "dark" fixes the theme; else it follows the system.

    `size` "projector" makes everything larger.
    """
    attributes = f' data-theme="{scheme}"' if scheme else ""
    attributes += f' data-size="{size}"' if size else ""
    return _PAGE.format(
        attributes=attributes,
        title=escape(title),
        css=widget._css,
        state=_in_script(_state(widget)),
        module=_in_script(str(widget._esm)),
    )


def _state(widget: AnyWidget) -> dict[str, Any]:
    """The traits that a widget adds to the machinery below it."""
    from anywidget import AnyWidget

    own = set(widget.traits(sync=True)) - set(AnyWidget.class_traits(sync=True))
    return {name: getattr(widget, name) for name in sorted(own) if not name.startswith("_")}


def _in_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
