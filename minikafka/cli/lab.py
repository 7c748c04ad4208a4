"""`minikafka lab`: the course in JupyterLab, opened at its contents page."""

from __future__ import annotations

import os
from pathlib import Path

import click

PACKAGE = Path(__file__).parent.parent
CONTENTS = "index.ipynb"
NEEDED = ("jupyterlab", "anywidget", "plotly", "quickjs")


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--notebooks",
    type=click.Path(path_type=Path),
    default=PACKAGE.parent / "notebooks",
    help="The folder with the course; by default the one beside this package.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTERLAB'S OPTIONS]...")
def lab(notebooks: Path, arguments: tuple[str, ...]) -> None:
    """Open the course's contents page in JupyterLab.

    Other options are JupyterLab's, such as --no-browser or --port=8899.
    """
    from importlib.util import find_spec

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise click.ClickException(
            f"the lab extra is missing ({', '.join(missing)}): pip install 'minikafka[lab]'"
        )
    notebooks = notebooks.resolve()
    if not (notebooks / CONTENTS).exists():
        raise click.ClickException(
            f"no {CONTENTS} in {notebooks}: the notebooks come with the repository, not with the "
            "package; clone it, or name their folder with --notebooks"
        )
    _open(notebooks, arguments)


def _open(notebooks: Path, arguments: tuple[str, ...]) -> None:
    # Settings of ours beside the reader's: nobody outside is asked, and no pop-up offers to.
    paths = [str(PACKAGE / "lab" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    from jupyterlab.labapp import LabApp

    # JupyterLab refuses to run as root unless told; a container often has nobody else.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    LabApp.launch_instance(
        [
            f"--ServerApp.root_dir={notebooks.parent}",
            f"--LabApp.default_url=/lab/tree/{notebooks.name}/{CONTENTS}",
            *as_root,
            *arguments,
        ]
    )
