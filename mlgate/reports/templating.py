"""Jinja set up so that a forgotten filter is ugly, never dangerous: every string is escaped for its sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlgate.reports import escape

if TYPE_CHECKING:
    import jinja2


# Where a table does not fit (a phone), the browser gives a column the width of its longest word and the rest scrolls:
# sentences would stand one word to a line. Spaces that do not break keep the columns of sentences wide enough to read.
_WIDTHS: dict[str, Any] = {"wide": escape.Markdown("&nbsp;" * 26), "narrow": escape.Markdown("&nbsp;" * 16)}


def _markdown(value: Any) -> Any:
    return value if isinstance(value, (escape.Markdown, int)) else escape.prose(str(value))


def _html(value: Any) -> Any:
    return value if hasattr(value, "__html__") else escape.html(str(value), 2000)


def _environment(*, html: bool) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415  (60 ms that `--version` and `check` do not need)

    return jinja2.Environment(
        loader=jinja2.PackageLoader("mlgate.reports"),
        autoescape=html,  # noqa: S701  (Markdown has its own escaping, in finalize)
        finalize=_html if html else _markdown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def markdown(template: str, values: Mapping[str, Any]) -> str:
    """The template as Markdown; strings that are not `escape.Markdown` are escaped as prose."""
    return _environment(html=False).get_template(template).render(_WIDTHS | dict(values))


def html(template: str, values: Mapping[str, Any]) -> str:
    """The template as HTML; strings are made visible, then autoescaped."""
    return _environment(html=True).get_template(template).render(values)
