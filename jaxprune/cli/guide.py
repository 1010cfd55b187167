"""The guide in a terminal: Markdown that is set for reading, and plain where the output goes elsewhere."""

import difflib
import sys
from importlib import resources

from rich.console import Console
from rich.markdown import Markdown

from jaxprune.cli.options import AGREE, Guide

INDEX = "README"


def guide(options: Guide) -> int:
    """Show the index, or a chapter."""
    chapters = {p.name.removesuffix(".md"): p for p in resources.files("jaxprune.guide").iterdir() if p.name.endswith(".md")}
    topic = options.topic.removesuffix(".md") or INDEX
    if topic not in chapters:
        near = difflib.get_close_matches(topic, chapters, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(set(chapters) - {INDEX}))}"
        raise ValueError(f"topic: the guide has no chapter {topic!r}; {known}")
    text = chapters[topic].read_text(encoding="utf-8")
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        print(text, end="")
    return AGREE
