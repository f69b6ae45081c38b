"""TorchScript code that reaches files, in every spelling that torch 2.13.0 compiled and ran."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate.inspectors import torch
from tests.builders import archives as build
from tests.builders import pickles
from tests.inspectors.looking import look
from tests.reading import read


@pytest.mark.parametrize(
    "code",
    [
        b'torch.save((s)[0], "/tmp/x")',
        b'torch . save ((s)[0], "/tmp/x")',
        b'torch\\\n.save((s)[0], "/tmp/x")',
        b'(torch).save((s)[0], "/tmp/x")',
        b'(((torch)))  # comment\n.save(s, "/tmp/x")',
        b'ops.aten.save(s, "/tmp/x")',
        b'(ops.aten).save(s, "/tmp/x")',
        b'getattr(torch, "save")(s, "/tmp/x")',
        b'getattr((ops), "aten")',
        b'print("""a"b"""); torch.save(s, "/tmp/x")',
        b"print('#'); torch.save(s, '/tmp/x')",
        b"print('''a'b'''); (torch).save(s, '/tmp/x')",
        b'_0 = torch.from_file("/etc/passwd", None, 10, dtype=0)',
        b'_0 = ops.image.read_file("/etc/passwd")',
    ],
)
def test_operators_that_reach_files_block(code: bytes) -> None:
    assert look(build.torchscript(code), "net.pt").rules == {"MLG-PKL-021"}


@pytest.mark.parametrize(
    "code",
    [
        b"_0 = torch.add(s, s)",
        b"_0 = (self.encoder).save(s)",
        b'print("torch saves")  # torch',
        b'_0 = getattr(self.layers, "0")',
        b"_0 = torch.saved(s)",
        b"_0 = mytorch.save(s)",
        b"_0 = ops.torchvision.nms(s, s, 0.5)",
    ],
)
def test_code_that_computes_is_clean(code: bytes) -> None:
    seen = look(build.torchscript(code), "net.pt")
    assert (seen.rules, seen.reasons) == (set(), ())


def test_operators_in_bytecode_for_mobile_block() -> None:
    named = pickles.proto(2) + pickles.args(pickles.text("aten::save"), pickles.text("")) + b"."
    assert look(build.torchscript(bytecode=named), "net.ptl").rules == {"MLG-PKL-021"}
    usual = pickles.proto(2) + pickles.args(pickles.text("aten::add"), pickles.text("Tensor")) + b"."
    assert look(build.torchscript(bytecode=usual), "net.ptl").rules == set()


def test_code_beyond_the_limit_is_incomplete() -> None:
    assert look(build.torchscript(b"#" * (17 << 20)), "net.pt").reasons == ("limit",)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_code_is_read(code: bytes) -> None:
    said = read(torch.INSPECTOR, "net.pt", build.torchscript(b'torch.save(s, "x")\n' + code))
    assert "MLG-PKL-021" in said.rules
    assert said.stopped is None
