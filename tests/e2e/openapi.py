"""Checks requests against GitHub's own OpenAPI description of its REST API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_SELF = "urn:github"


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", template)
    # A path inside a repository may hold slashes, every other part may not.
    kinds = {"{path}": "(.+)"}
    return re.compile("".join(kinds.get(p, "([^/]+)") if p.startswith("{") else re.escape(p) for p in parts))


class Description:
    """GitHub's description. The few keywords in which OpenAPI 3.0 is no JSON Schema only make this check stricter."""

    def __init__(self, modules: Path) -> None:
        place = modules / "@octokit" / "openapi" / "generated" / "api.github.com.json"
        self._whole: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        self._registry: Registry[Any] = Registry().with_resource(_SELF, DRAFT202012.create_resource(self._whole))
        # Literal parts before placeholders: /issues/comments/{id} is not /issues/{number}/comments.
        templates = sorted(self._whole["paths"], key=lambda path: (path.count("{"), path))
        self._paths = [(_pattern(path), path) for path in templates]

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            found: Any = self._whole
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            part = found
        return part

    def _invalid(self, value: object, schema: dict[str, Any]) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"$ref": "#/', f'"$ref": "{_SELF}#/'))
        validator = Draft202012Validator(absolute, registry=self._registry)
        return [error.message[:300] for error in validator.iter_errors(value)]

    def complaints(self, method: str, target: str, body: bytes) -> list[str]:
        """What is wrong with a request; nothing when GitHub describes exactly this."""
        path, _, query = target.partition("?")
        matched = [(template, found) for rule, template in self._paths if (found := rule.fullmatch(path))]
        offered = [(t, f) for t, f in matched if method.lower() in self._whole["paths"][t]]
        if not offered:
            return [f"GitHub has no {method} {path}"]
        template, found = offered[0]
        operation = self._whole["paths"][template][method.lower()]
        parameters = [self._resolved(part) for part in operation.get("parameters", [])]
        values = dict(zip(re.findall(r"\{(\w+)\}", template), found.groups(), strict=True))
        given = {("path", name): value for name, value in values.items()}
        given |= {("query", name): value for name, value in parse_qsl(query, keep_blank_values=True)}
        known = {(part["in"], part["name"]): part for part in parameters}
        wrong = [
            f"{template} has no parameter {name} in its {where}" for where, name in given if (where, name) not in known
        ]
        for key, part in known.items():
            if part.get("required") and part["in"] in {"path", "query"} and key not in given:
                wrong.append(f"{template} needs the parameter {part['name']}")
            if key in given and part["schema"].get("type") == "integer":
                wrong += [] if given[key].isdecimal() else [f"{part['name']} is {given[key]!r}, no number"]
            elif key in given and "enum" in part["schema"] and given[key] not in part["schema"]["enum"]:
                wrong.append(f"{part['name']} is {given[key]!r}")
        described = self._resolved(operation.get("requestBody", {}))
        if body and not described:
            wrong.append(f"{method} {template} takes no body")
        if described:
            schema = described["content"]["application/json"]["schema"]
            unknown = set(json.loads(body or b"{}")) - set(self._resolved(schema).get("properties", {}))
            wrong += [f"{method} {template} knows no {name}" for name in sorted(unknown)]
            wrong += self._invalid(json.loads(body or b"{}"), schema)
        return wrong
