"""The course as web pages without a kernel: what `make site` makes of executed notebooks.

    markup.py   Markdown and code as HTML
    page.py     a notebook as a page, and what all pages share

The pages ask nobody for anything: they work from any file server and from a folder. Why not
nbconvert: its pages load a module loader and the widgets' machinery from other people's
servers, and show nothing without them. These need neither.
"""
