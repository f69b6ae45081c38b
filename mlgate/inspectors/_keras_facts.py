"""What a Keras configuration says of the model: class, layers, inputs and outputs, as keras.Model.get_config has it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mlgate.records import Pairs

_NAMED = 20
_LONG = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All empty when the document is no model."""

    family: str = ""
    name: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    version: str = ""
    other: Pairs = ()

    def __bool__(self) -> bool:
        return bool(self.family)

    @staticmethod
    def of(document: Any) -> Facts:
        """The facts of a configuration of any version of Keras."""
        if not isinstance(document, dict) or not isinstance(document.get("class_name"), str):
            return Facts()
        config = document.get("config")
        # Keras 1's Sequential has the list of layers alone
        layers = config if isinstance(config, list) else _get(config, "layers")
        found = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
        kinds = Counter(_text(layer.get("class_name")) for layer in found)
        listed = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common(_NAMED))
        return Facts(
            family=document["class_name"][:_LONG],
            name=_text(_get(config, "name")),
            inputs=_inputs(document, found),
            outputs=_outputs(config),
            version=_text(document.get("keras_version")),
            other=(("layers", str(len(found)) if found else ""), ("layer-classes", listed)),
        )


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value[:_LONG] if isinstance(value, str) else ""


def _inputs(document: dict[str, Any], layers: list[dict[str, Any]]) -> tuple[str, ...]:
    found = []
    for number, layer in enumerate(layers):
        config = layer.get("config")
        shape = _get(config, "batch_shape") or _get(config, "batch_input_shape")
        if shape and (number == 0 or layer.get("class_name") == "InputLayer"):
            found.append(f"{_text(_get(config, 'name'))} {_text(_get(config, 'dtype'))} {_shape(shape)}".strip())
    if not found:
        shape = _get(document.get("build_config"), "input_shape") or _get(document.get("config"), "build_input_shape")
        found = [_shape(shape)] if shape else []
    return tuple(found[:_NAMED])


def _shape(value: Any) -> str:
    return "x".join("?" if item is None else str(item)[:20] for item in value[:16]) if isinstance(value, list) else ""


def _outputs(config: Any) -> tuple[str, ...]:
    """`output_layers` is [name, node, tensor] or a list of those."""
    layers = _get(config, "output_layers")
    if not isinstance(layers, list):
        return ()
    if layers and isinstance(layers[0], str):
        layers = [layers]
    return tuple(_text(item[0]) for item in layers[:_NAMED] if isinstance(item, list) and item)
