from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlgate.records import Finding
from mlgate.registry import inspectors
from mlgate.sources import BytesSource, SliceSource
from mlgate.wire import Line
from mlgate.worker import Examination
from tests.builders import rars
from tests.reading import artifact

SMALL = st.integers(0, 30)


@given(data=st.binary(max_size=20), start=SMALL, size=SMALL, offset=SMALL, length=SMALL)
def test_a_slice_ends_where_its_parent_does(data: bytes, start: int, size: int, offset: int, length: int) -> None:
    piece = SliceSource(BytesSource(data), start, size)
    whole = data[start : start + size]
    assert piece.size == len(whole)
    assert piece.read_at(offset, length) == whole[offset : offset + length]


def test_a_member_that_claims_more_than_the_file_has_ends_soon_and_is_not_clean() -> None:
    said: list[Line] = []
    data = bytearray(rars.old_archive(rars.old_file("m.pkl", b"\x80\x02}q\x00.")))
    size = data.index(b"m.pkl") - 25
    data[size : size + 4] = data[size + 4 : size + 8] = (1 << 31).to_bytes(4, "little")
    examination = Examination(inspectors(), said.append)
    examination.run(artifact("m.rar", bytes(data)))
    assert not examination.complete
    assert any(isinstance(line, Finding) and line.evidence == "truncated" for line in said)
