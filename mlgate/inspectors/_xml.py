"""XML as a stream of elements, for models that are XML: nothing is expanded, nothing fetched, no tree is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.parsers.expat import ExpatError
from xml.sax import SAXException  # the parser itself is defusedxml's
from xml.sax.handler import ContentHandler, feature_external_ges, property_lexical_handler
from xml.sax.xmlreader import AttributesImpl

from mlgate.errors import Incomplete
from mlgate.records import Artifact, Source

_PIECE = 1 << 16
_SILENCE = 16 * 2**20  # bytes of one tag or comment, after which nobody means it
_DEPTH = 4_000  # trees of PMML nest as deep as they grow
_LARGEST = 4 * 2**30
_TEXT = 1 << 16
_ELEMENT = re.compile(r"<(?:[\w.-]{1,200}:)?([A-Za-z_][\w.-]{0,200})[\s/>]")
_PROLOG = 8 << 20
_OPENING = 1 << 16
_WIDE = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))

Start = Callable[[str, Mapping[str, str], list[str]], None]
End = Callable[[str, str, list[str]], None]


@dataclass(slots=True)
class Declared:
    """What a document declares before its first element: a document type with its system identifier, and entities."""

    doctype: bool = False
    system: str = ""
    entities: bool = False


def opening(artifact: Artifact) -> str:
    """The first 64 KiB as text, when they look like XML in an encoding that parsers guess; else ""."""
    head = artifact.head[:64]
    whole = artifact.source.read_at(0, _OPENING)
    if artifact.source.size > _OPENING and b"<" in head and _root(whole.replace(b"\0", b"").decode("latin-1")) < 0:
        whole = artifact.source.read_at(0, _PROLOG)  # comments, as long as somebody wanted them
    for mark, encoding in _WIDE:
        if head.startswith(mark):
            return whole.decode(encoding, "replace")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"<":
        return ""
    return whole.decode("utf-8", "replace")


def root_is(text: str, *names: str) -> bool:
    """Whether the first element of a document that begins like `text` has one of these names, whatever its prefix."""
    at = _root(text)
    match = _ELEMENT.match(text, at) if at >= 0 else None
    return match is not None and match[1] in names


def _root(text: str) -> int:
    """Where the first element begins, behind comments and instructions; -1 when the text ends before it."""
    at = text.find("<")
    while at >= 0:
        mark, end = next((pair for pair in (("<!--", "-->"), ("<?", "?>")) if text.startswith(pair[0], at)), ("", ""))
        if mark:
            stop = text.find(end, at + len(mark))
            if stop < 0:
                return -1
            at = text.find("<", stop)
        elif _ELEMENT.match(text, at):
            return at
        else:
            at = text.find("<", at + 1)
    return -1


def parse(source: Source, start: Start, end: End) -> Declared:
    """Reads the document: `start` gets each element's local name, its attributes and the open elements around it,
    `end` its local name, its own text (at most 65,536 characters) and the elements around it.

    Entities end the reading: `entities` is set, and what comes after was not looked at. Raises Incomplete (malformed,
    limit).
    """
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415
    from defusedxml.expatreader import create_parser  # noqa: PLC0415

    if source.size > _LARGEST:
        raise Incomplete("limit", f"{source.size:,} bytes of XML are more than any model has")
    handler = _Handler(start, end)
    # the external part of a document type, which old files name, is passed over; entities from it cannot be used
    parser = create_parser(forbid_dtd=False, forbid_entities=True, forbid_external=False)
    parser.setFeature(feature_external_ges, False)
    parser.setContentHandler(handler)
    parser.setProperty(property_lexical_handler, handler)
    at = heard = events = 0
    try:
        while at < source.size:
            piece = source.read_at(at, _PIECE)
            if not piece:
                raise Incomplete("truncated", "the file became shorter while it was read", offset=at)
            parser.feed(piece)
            at += len(piece)
            if handler.events != events:
                heard, events = at, handler.events
            elif at - heard > _SILENCE:
                raise Incomplete("limit", f"a tag or comment of more than {_SILENCE:,} bytes", offset=heard)
        parser.close()
    except DefusedXmlException:
        handler.declared.entities = True
    except (SAXException, ExpatError, ValueError, LookupError) as error:
        reason = "truncated" if "no element found" in str(error) or "unclosed token" in str(error) else "malformed"
        raise Incomplete(reason, f"not XML: {error}"[:200], offset=min(at, source.size)) from None
    return handler.declared


class _Handler(ContentHandler):
    def __init__(self, start: Start, end: End) -> None:
        super().__init__()
        self.declared = Declared()
        self.events = 0
        self._start = start
        self._end = end
        self._open: list[str] = []
        self._texts: list[str] = []

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (SAX names it)
        self.events += 1
        if len(self._open) >= _DEPTH:
            raise Incomplete("limit", f"elements are nested deeper than {_DEPTH:,}")
        local = name.rsplit(":", 1)[-1]
        self._start(local, dict(attrs.items()), self._open)
        self._open.append(local)
        self._texts.append("")

    def endElement(self, _name: str) -> None:  # noqa: N802
        self.events += 1
        local = self._open.pop()
        self._end(local, self._texts.pop(), self._open)

    def characters(self, content: str) -> None:
        self.events += 1
        if self._texts and len(self._texts[-1]) < _TEXT:
            self._texts[-1] += content[: _TEXT - len(self._texts[-1])]

    def startDTD(self, _name: str, _public: str | None, system: str | None) -> None:  # noqa: N802
        self.declared.doctype = True
        self.declared.system = system or ""

    def endDTD(self) -> None:  # noqa: N802
        self.events += 1

    def comment(self, _content: str) -> None:
        self.events += 1

    def startCDATA(self) -> None:  # noqa: N802
        self.events += 1

    def endCDATA(self) -> None:  # noqa: N802
        self.events += 1
