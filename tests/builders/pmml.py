"""PMML documents: sound ones, and ones that call out."""

from __future__ import annotations

TREE = (
    '<TreeModel functionName="classification"><MiningSchema><MiningField name="species" usageType="target"/>'
    '<MiningField name="length"/></MiningSchema><Node score="a"><True/></Node></TreeModel>'
)
FIELDS = (
    '<DataDictionary><DataField name="species" optype="categorical" dataType="string"/>'
    '<DataField name="length" optype="continuous" dataType="double"/></DataDictionary>'
)


def apply(function: str) -> str:
    """A derived field that applies a function."""
    inside = f'<DerivedField name="d"><Apply function="{function}"><FieldRef field="length"/></Apply></DerivedField>'
    return f"<TransformationDictionary>{inside}</TransformationDictionary>"


def define(function: str) -> str:
    inside = f'<DefineFunction name="{function}"><Constant>1</Constant></DefineFunction>'
    return f"<TransformationDictionary>{inside}</TransformationDictionary>"


def pmml(*parts: str, before: str = "", prefix: str = "") -> bytes:
    colon = f"{prefix}:" if prefix else ""
    name = f":{prefix}" if prefix else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{before}'
        f'<{colon}PMML xmlns{name}="http://www.dmg.org/PMML-4_4" version="4.4">'
        f'<Header copyright="acme"><Application name="SkLearn2PMML package" version="0.110"/></Header>'
        f"{FIELDS}{''.join(parts)}</{colon}PMML>"
    ).encode()
