"""Functions that run without being called in the stream, and the real pickles that come near to it."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import decimal
import fractions
import functools
import operator
import pathlib
import pickle
import random
import re
import types
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.pickles.table import look_up
from mlgate.records import Severity
from tests.builders import gadgets
from tests.builders.pickles import proto, short, stack_global, state_dict_of_python_2
from tests.pickles.test_scan import look

BLOCKING = (Severity.HIGH, Severity.CRITICAL)
GADGETS = (
    (gadgets.keys_of_dict, "MLG-PKL-020"),
    (gadgets.append, "MLG-PKL-020"),
    (gadgets.extend, "MLG-PKL-020"),
    (gadgets.setstate, "MLG-PKL-020"),
    (gadgets.behind_many_attributes, "MLG-PKL-020"),
    (gadgets.deep_in_slots, "MLG-PKL-020"),
    (gadgets.after_a_thousand, "MLG-PKL-020"),
    (gadgets.state_by_call, "MLG-PKL-020"),
    (gadgets.class_in_slots, "MLG-PKL-020"),
    (gadgets.replaced_partial, "MLG-PKL-005"),
    (gadgets.base_of_reconstructor, "MLG-PKL-005"),
    (gadgets.constructor_that_calls, "MLG-PKL-005"),
    (gadgets.ufunc_called, "MLG-PKL-005"),
    (gadgets.module_by_ufunc, "MLG-PKL-015"),
    (gadgets.standard_function, "MLG-PKL-002"),
    (gadgets.standard_constructor, "MLG-PKL-004"),
    (gadgets.file_of_torch, "MLG-PKL-001"),
    (gadgets.long_name, "MLG-PKL-002"),
    (gadgets.factory_as_state, "MLG-PKL-020"),
    (functools.partial(gadgets.generator_of, stack_global("torchvision.datasets.cifar", "CIFAR10")), "MLG-PKL-004"),
    (functools.partial(gadgets.generator_of, gadgets.UNKNOWN), "MLG-PKL-004"),
    (functools.partial(gadgets.generator_of, gadgets.partial(gadgets.UNKNOWN)), "MLG-PKL-005"),
)


@pytest.mark.parametrize(("make", "rule"), GADGETS)
def test_functions_that_run_without_a_call_block(make: Callable[[], bytes], rule: str) -> None:
    found, _ = look(make())
    assert rule in {finding.rule.id for finding in found if finding.severity in BLOCKING}


class Slots:
    """Many slots."""

    __slots__ = ("a", "add", "append", "keys")

    def __init__(self) -> None:
        self.a, self.add, self.append, self.keys = 1, 2.0, [3], {"x": 4}


ORDINARY: tuple[object, ...] = (
    argparse.Namespace(a=1, add=True, items=[1]),
    types.SimpleNamespace(keys=["a"], update=3, get="x"),
    collections.OrderedDict(add=1, append=functools.partial(len)),
    {"append": functools.partial(len), "keys": len, "__setstate__": 1},
    collections.Counter("abca"),
    collections.deque([1, 2], 5),
    collections.defaultdict(list, a=[1]),
    collections.defaultdict(functools.partial(collections.defaultdict, int)),
    functools.partial(sorted, reverse=True),
    [pathlib.PurePosixPath("a/b"), uuid.UUID(int=5), decimal.Decimal("1.5"), fractions.Fraction(1, 3)],
    [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.timedelta(1)],
    [{1, 2}, frozenset({3}), bytearray(b"abc"), b"bytes", 1 + 2j, range(3), slice(1, 2)],
    [
        re.compile("a+"),
        random.Random(1),  # noqa: S311  (its state is what counts)
        ValueError("x"),
        KeyError,
    ],
    operator.itemgetter(1, "a"),
    Slots(),
)


@pytest.mark.parametrize("value", ORDINARY, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("protocol", range(6))
def test_what_programs_save_does_not_block(value: object, protocol: int) -> None:
    if protocol < 2 and isinstance(value, Slots):
        pytest.skip("slots need protocol 2")
    found, stopped = look(pickle.dumps(value, protocol))
    assert stopped == ""
    assert [finding.message for finding in found if finding.severity in BLOCKING] == []


def test_functions_of_somebodys_modules_are_told_and_do_not_block_as_attributes() -> None:
    whole = proto(4) + gadgets.namespace(activation=gadgets.UNKNOWN, hook=gadgets.partial(gadgets.UNKNOWN)) + b"."
    found, _ = look(whole)
    assert {finding.severity for finding in found} == {Severity.MEDIUM}


@pytest.mark.parametrize("module", ["code.models", "parser.net", "profile.run", "test.helpers"])
def test_folders_with_names_of_standard_modules_are_somebodys(module: str) -> None:
    assert look_up(module, "Net").level == "unknown"
    assert not look_up(module, "Net").standard


def test_instances_of_standard_classes_do_not_block() -> None:
    found, _ = look(proto(4) + stack_global("email.message", "Message") + b")\x81}" + short("a") + b"Nsb.")
    assert {finding.severity for finding in found} == {Severity.MEDIUM}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([make for make, _ in GADGETS]), st.integers(0, 10_000), st.integers(0, 255))
def test_changed_gadgets_never_crash(make: Callable[[], bytes], place: int, value: int) -> None:
    data = bytearray(make())
    data[place % len(data)] = value
    for stream in (bytes(data), bytes(data[: place % len(data)])):
        assert isinstance(look(stream)[1], str)


def test_methods_of_texts_are_pickled_by_getattr_and_do_nothing_until_called() -> None:
    method = stack_global("builtins", "getattr") + stack_global("builtins", "str")
    assert look(proto(4) + method + short("split") + b"\x86R.") == ([], "")
    called = proto(4) + method + short("split") + b"\x86R" + short("a b") + b"\x85R."
    assert {finding.severity for finding in look(called)[0]} & {Severity.HIGH, Severity.CRITICAL}
    for name in ("__class__", "format", "format_map"):
        assert "MLG-PKL-001" in {f.rule.id for f in look(proto(4) + method + short(name) + b"\x86R.")[0]}


CONSTRUCTORS = (
    ("torch.cuda.memory", "CUDAPluggableAllocator", (short("./evil.so"), short("a"), short("b"))),
    ("torchvision.datasets.cifar", "CIFAR10", (short("folder"),)),
    ("psutil", "Popen", (short("id"),)),
    ("joblib.compressor", "BinaryZlibFile", (short("x"), short("wb"))),
    ("h5py._hl.files", "File", (short("x"), short("w"))),
    ("somebodys.library", "Reader", (short("/etc/passwd"),)),
    ("somebodys.library", "Task", (gadgets.UNKNOWN,)),
    ("somebodys.library", "Task", (gadgets.partial(gadgets.UNKNOWN),)),
)


@pytest.mark.parametrize(("module", "name", "items"), CONSTRUCTORS)
def test_constructors_that_open_or_call_their_arguments_block(module: str, name: str, items: tuple[bytes, ...]) -> None:
    for make in (gadgets.constructor, gadgets.constructor_after_a_thousand):
        found, _ = look(make(module, name, *items))
        assert {finding.rule.id for finding in found if finding.severity in BLOCKING} & {"MLG-PKL-001", "MLG-PKL-004"}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("transformers.models.whisper.tokenization_whisper", "WhisperTokenizer"),
        ("torchvision.datasets.cifar", "CIFAR10"),
        ("somebodys.library", "Reader"),
    ],
)
@pytest.mark.parametrize("times", [1, 1_500])
def test_instances_of_the_same_classes_are_data(module: str, name: str, times: int) -> None:
    found, _ = look(gadgets.instance(module, name, times=times))
    assert {finding.severity for finding in found} == {Severity.MEDIUM}
    assert look(gadgets.constructor("somebodys.library", "Color", short("red")))[0][0].severity is Severity.MEDIUM


def test_classes_that_run_something_as_instances_block() -> None:
    for module, name in (("zarr.storage._obstore", "ObjectStore"), ("tables.attributeset", "AttributeSet")):
        assert "MLG-PKL-001" in {finding.rule.id for finding in look(gadgets.instance(module, name))[0]}


def test_state_dicts_of_python_2_keep_their_metadata_in_an_ordered_dict() -> None:
    assert look(state_dict_of_python_2()) == ([], "")
