"""The live widgets: each a Python class, one ES module and one style sheet, no build step.

The browser gets a story once and plays it alone; the kernel only learns where it stands.
"""
