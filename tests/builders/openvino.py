"""OpenVINO networks as XML: sound ones, and ones that point elsewhere."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr


def layer(number: int, kind: str, inside: str = "", *, opset: str | None = "opset1") -> str:
    version = f' version="{opset}"' if opset is not None else ""
    return f'<layer id="{number}" name="l{number}" type="{kind}"{version}>{inside}</layer>'


def constant(number: int, *, offset: str = "0", size: str = "24", shape: str = "2, 3", element: str = "f32") -> str:
    data = f'<data element_type="{element}" shape="{shape}" offset="{offset}" size="{size}" />'
    return layer(number, "Const", data)


def parameter(number: int) -> str:
    return layer(number, "Parameter", '<data shape="1,3" element_type="f32" />')


def loop(number: int, *layers: str) -> str:
    """A TensorIterator with these layers as its body."""
    return layer(number, "TensorIterator", f"<body><layers>{''.join(layers)}</layers></body>")


def net(*layers: str, before: str = "", info: dict[str, str] | None = None, version: str = "11") -> bytes:
    told = "".join(f"<{key} value={quoteattr(value)} />" for key, value in (info or {}).items())
    return (
        f'<?xml version="1.0"?>\n{before}<net name="birds" version="{version}">'
        f"<layers>{''.join(layers)}</layers><edges></edges><rt_info>{told}</rt_info></net>"
    ).encode()
