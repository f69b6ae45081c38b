"""What validators that share nothing with the product's say of a BOM.

The product's is jsonschema-rs. Here are the Python library jsonschema with every format checked, and CycloneDX's own
JavaScript library with its own copies of the schemas, when `python -m tests.e2e.prepare` has got it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion, _res
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from tests.e2e.node import VALIDATOR
from tests.e2e.place import STATE

Json = dict[str, Any]
MODULES = STATE / VALIDATOR[1] / "node_modules"


def load(path: str | None) -> Any:
    assert path is not None
    return json.loads(Path(path).read_text("utf-8"))


def formats(schema: Any) -> Iterator[str]:
    pending = [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("format"), str):
                yield value["format"]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def python_says(document: Json) -> list[str]:
    version = {"1.7": SchemaVersion.V1_7, "1.6": SchemaVersion.V1_6}[document["specVersion"]]
    schema = load(_res.BOM_JSON_STRICT[version])
    # a document of the three is named as the schema's own $id makes it out of "$ref": "spdx.SNAPSHOT.schema.json"
    base = schema["$id"].rpartition("/")[0]
    others = {
        f"{base}/{Path(str(path)).name}": load(path) for path in (_res.SPDX_JSON, _res.JSF, _res.CRYPTOGRAPHY_DEFS)
    }
    resources = [(name, Resource.from_contents(other)) for name, other in others.items()]
    checker = FormatChecker()
    unchecked = {name for one in (schema, *others.values()) for name in formats(one)} - set(checker.checkers)
    assert not unchecked, "a format that no installed library checks would pass unseen"
    validator = Draft7Validator(schema, registry=Registry().with_resources(resources), format_checker=checker)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


def javascript_says(document: Json) -> list[str]:
    done = subprocess.run(
        [MODULES / ".bin" / "node", VALIDATOR[0] / "validate.cjs"],
        input=json.dumps(document),
        env={"NODE_PATH": str(MODULES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in {0, 1}, done.stderr
    return [str(wrong) for wrong in json.loads(done.stdout)] if done.returncode else []
