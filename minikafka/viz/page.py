"""A widget as one HTML file: no kernel, no network, the same module and style sheet.

widgets/mount.js stands in for the kernel's side. Pages like this are what the browser tests open:
a second instead of twenty. `make site` does the same with whole chapters (lab/site/).
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anywidget import AnyWidget

MOUNT = (Path(__file__).parent / "widgets" / "mount.js").read_text(encoding="utf-8")

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
{mount}
const state = JSON.parse(document.getElementById("state").textContent);
window.minikafka = await mount({module}, state, document.getElementById("widget"));
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
        state=in_script(own_state(widget.get_state())),
        module=in_script(str(widget._esm)),
        mount=MOUNT,
    )


def own_state(state: dict[str, Any]) -> dict[str, Any]:
    """The traits that a widget adds to the machinery below it."""
    from anywidget import AnyWidget

    machinery = set(AnyWidget.class_traits(sync=True))
    own = sorted(name for name in state if name not in machinery and not name.startswith("_"))
    return {name: state[name] for name in own}


def in_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
