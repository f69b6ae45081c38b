"""Reads what a renderer makes of our Markdown and HTML, the way GitHub's filters do after it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

# GitHub turns these into links and pings in every rendered text that is not code or a link already.
ACTIVE = re.compile(
    r"@[A-Za-z0-9]|https?://|ftp://|www\.|(?<!\w)#\d|(?<!\w)GH-\d|(?<![\w-])(?=[0-9a-f]*\d)[0-9a-f]{7,40}(?![\w-])",
    re.IGNORECASE,
)
# What GitHub's runner acts on in a log: the old form anywhere, the new one where a line begins.
RUNNER = re.compile(
    r"##\[|^\s*::|::(?:error|warning|stop-commands|add-mask|set-output)\b", re.IGNORECASE | re.MULTILINE
)
# Controls, bidi, zero-width. FSI and PDI are ours: they close around right-to-left text.
INVISIBLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2067\ufeff\ud800-\udfff]")


@dataclass
class Page(HTMLParser):
    """Tags with attributes, the text outside of code and links, and the cells of every table row."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    quiet: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.quiet += tag in ("code", "pre", "a", "style")
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self.quiet -= tag in ("code", "pre", "a", "style")

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if not self.quiet:
            self.prose.append(data)


def read(html: str) -> Page:
    """The page as the parser sees it."""
    page = Page()
    page.feed(html)
    page.close()
    return page


def rendered(markdown: str) -> Page:
    """CommonMark with GFM's tables and strikethrough, raw HTML on as at GitHub."""
    return read(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
