"""The coders of 7z folders: each takes pieces of bytes and gives pieces of bytes, as much as the header announces.

Sources: Methods.txt of the LZMA SDK (method numbers), liblzma's filters (properties of LZMA, LZMA2, Delta and BCJ).
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable, Iterator

import lz4.frame

from mlgate.errors import Incomplete
from mlgate.inspectors._sevenzip import Coder, Folder
from mlgate.inspectors._streams import CHUNK, CODECS, DICTIONARY, ERRORS, Decompressor, Inflate, broken
from mlgate.records import Source

_COPY, _DELTA, _LZMA2, _LZMA = b"\x00", b"\x03", b"\x21", b"\x03\x01\x01"
_DEFLATE, _BZIP2, _ZSTD, _LZ4 = b"\x04\x01\x08", b"\x04\x02\x02", b"\x04\xf7\x11\x01", b"\x04\xf7\x11\x04"
_BRANCH = {
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}
_AES = (b"\x06\xf1\x07\x01", b"\x06\xf1\x03")
_NAMES = {
    b"\x03\x04\x01": "PPMd",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x04\x01\x09": "Deflate64",
    b"\x0a": "ARM64",
    b"\x0b": "RISC-V",
    b"\x04\xf7\x11\x02": "Brotli",
}

Pieces = Iterator[bytes]


def pieces(source: Source, place: int, packed: int, folder: Folder) -> Pieces:
    """The content of a folder whose packed stream has `packed` bytes at `place`, and never more than it announces.

    Raises Incomplete (unsupported, encrypted, limit, malformed, truncated), the first two before the first piece.
    """
    for coder in folder.coders:
        if coder.method.startswith(_AES):
            raise Incomplete("encrypted", "encrypted with AES")
    if not folder.chain:
        raise Incomplete("unsupported", "packed with BCJ2")
    flow = _read(source, place, packed)
    for number in folder.chain:
        flow = _exactly(_coder(folder.coders[number], folder.sizes[number], flow), folder.sizes[number])
    return flow


def _read(source: Source, place: int, length: int) -> Pieces:
    while length > 0:
        data = source.read_at(place, min(CHUNK, length))
        if not data:
            return
        place += len(data)
        length -= len(data)
        yield data


def _exactly(flow: Pieces, size: int) -> Pieces:
    left = size
    while left > 0:
        piece = next(flow, None)
        if piece is None:
            raise Incomplete("truncated", f"a 7z stream ends {left:,} bytes early")
        yield piece[:left]
        left -= len(piece)


def _coder(coder: Coder, size: int, flow: Pieces) -> Pieces:
    method, properties = coder.method, coder.properties
    if method == _COPY:
        return flow
    if method in _BRANCH:
        return _filtered({"id": _BRANCH[method]}, flow)
    if method == _DELTA and len(properties) == 1:
        return _filtered({"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}, flow)
    make = _decoder(method, properties, size)
    if make is None:
        name = _NAMES.get(method, f"the method {method.hex()}")
        raise Incomplete("unsupported", f"packed with {name}")
    return _decoded(make, flow)


def _decoder(method: bytes, properties: bytes, size: int) -> Callable[[bytes], Decompressor] | None:
    if method == _LZMA and len(properties) == 5 and properties[0] < 225:
        packed = properties[0]
        settings = {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45}
        return _lzma({"id": lzma.FILTER_LZMA1, **settings}, int.from_bytes(properties[1:], "little"), size)
    if method == _LZMA2 and len(properties) == 1 and properties[0] <= 40:
        bits = properties[0]
        dictionary = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
        return _lzma({"id": lzma.FILTER_LZMA2}, dictionary, size)
    if method == _DEFLATE:
        return lambda _: Inflate(-15)
    if method == _BZIP2:
        return lambda _: bz2.BZ2Decompressor()
    if method == _ZSTD:
        return CODECS["zstd"].decoder
    if method == _LZ4:
        return lambda _: lz4.frame.LZ4FrameDecompressor()
    return None


def _lzma(settings: dict[str, int], dictionary: int, size: int) -> Callable[[bytes], Decompressor]:
    needed = min(dictionary, size)  # no distance goes further back than the beginning
    if needed > DICTIONARY:
        raise Incomplete("limit", f"an LZMA dictionary of {needed:,} bytes")
    filters = [{**settings, "dict_size": max(needed, 4096)}]
    return lambda _: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def _decoded(make: Callable[[bytes], Decompressor], flow: Pieces) -> Pieces:
    """Streams one behind the other, which BZip2, zstd and lz4 written by several threads are."""
    pending = next(flow, b"")
    while pending:
        try:
            decoder = make(pending)
        except ERRORS as error:
            raise broken("7z", error, 0) from None
        idle = 0
        while not decoder.eof:
            if decoder.needs_input and not pending:
                pending = next(flow, b"")
            taken, pending = (pending, b"") if decoder.needs_input else (b"", pending)
            try:
                piece = decoder.decompress(taken, CHUNK)
            except ERRORS as error:
                raise broken("7z", error, 0) from None
            idle = 0 if piece or taken else idle + 1
            if idle > 8:
                return
            if piece:
                yield piece
        pending = (decoder.unused_data or b"") + pending or next(flow, b"")


def _filtered(settings: dict[str, int], flow: Pieces) -> Pieces:
    """A filter alone. liblzma has it only before LZMA2, so the bytes are handed over as LZMA2's chunks of plain bytes.

    (With LZMA before it in one chain the last bytes would stay in the filter: LZMA in 7z has no end mark.)
    """
    decoder = lzma.LZMADecompressor(
        lzma.FORMAT_RAW, filters=[settings, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    )
    first = True
    try:
        for piece in flow:
            for at in range(0, len(piece), 1 << 16):
                part = piece[at : at + (1 << 16)]
                control = b"\x01" if first else b"\x02"  # xz-file-format 5.3.1: with and without a dictionary reset
                first = False
                yield decoder.decompress(control + (len(part) - 1).to_bytes(2, "big") + part)
        yield decoder.decompress(b"\x00")
    except ERRORS as error:
        raise broken("7z", error, 0) from None
