"""Compressed bodies, without sockets: however they are cut into parts, they are read whole, or said not to be."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.azure.engines.decoding import CutInside, Decoder, Garbled, decoder_for

from .test_http1 import cut


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


Pack = Callable[[bytes], bytes]
KINDS: list[tuple[str, Pack]] = [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]
kinds = pytest.mark.parametrize(("encoding", "pack"), KINDS, ids=["gzip", "deflate", "deflate without a frame"])
places = st.lists(st.integers(0, 2000), max_size=8)


def decoder(encoding: str) -> Decoder:
    found = decoder_for(encoding)
    assert found is not None
    return found


def read(encoding: str, parts: Iterable[bytes]) -> bytes:
    reader = decoder(encoding)
    body = b"".join(piece for part in parts for piece in reader.feed(part))
    reader.end()
    return body


@kinds
@given(st.binary(max_size=200).map(lambda some: some * 20), places)
def test_a_body_is_what_was_compressed_however_it_is_cut(
    encoding: str, pack: Pack, body: bytes, places: list[int]
) -> None:
    assert read(encoding, cut(pack(body), places)) == body


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), places)
def test_a_body_of_gzip_is_all_of_its_members(bodies: list[bytes], places: list[int]) -> None:
    packed = b"".join(gzip.compress(body) for body in bodies)
    assert read("gzip", cut(packed, places)) == b"".join(bodies)


@kinds
@given(st.binary(max_size=200), st.integers(0, 2000), places)
def test_one_that_is_cut_is_never_taken_for_whole(
    encoding: str, pack: Pack, body: bytes, place: int, places: list[int]
) -> None:
    packed = pack(body)
    some = packed[: 1 + place % (len(packed) - 1)]
    with pytest.raises(CutInside):
        read(encoding, cut(some, places))


def test_neither_is_one_whose_last_member_is_cut() -> None:
    with pytest.raises(CutInside):
        read("gzip", [gzip.compress(b"one") + gzip.compress(b"two")[:-1]])


@pytest.mark.parametrize("apart", [False, True], ids=["in the same part", "in the next one"])
@kinds
def test_what_follows_is_no_part_of_it_and_stays_wrong(encoding: str, pack: Pack, apart: bool) -> None:
    reader = decoder(encoding)
    parts = [pack(b"{}"), b"\x03\x00"] if apart else [pack(b"{}") + b"\x03\x00"]
    pieces = (piece for part in parts for piece in reader.feed(part))
    assert next(pieces) == b"{}"
    with pytest.raises(Garbled):
        next(pieces)
    with pytest.raises(CutInside):
        reader.end()


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"{}"), ("deflate", b"\xff\xff")])
def test_what_is_not_compressed_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(Garbled):
        read(encoding, [body])


def test_a_checksum_that_is_wrong_is_found() -> None:
    packed = bytearray(gzip.compress(b"{}"))
    packed[-6] ^= 1
    with pytest.raises(Garbled):
        read("gzip", [bytes(packed)])


@kinds
def test_no_body_is_nothing_compressed(encoding: str, pack: Pack) -> None:
    assert read(encoding, []) == b""


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 3 * 2**20, 3 * 2**20 + 5])
@kinds
def test_what_inflates_comes_in_pieces_of_a_bounded_size(encoding: str, pack: Pack, size: int) -> None:
    reader = decoder(encoding)
    sizes = [len(piece) for piece in reader.feed(pack(b"\0" * size))]
    reader.end()
    assert (sum(sizes), max(sizes)) == (size, min(size, 2**20))


@pytest.mark.parametrize("encoding", ["br", "identity", "gzip, gzip", ""])
def test_what_nobody_asked_for_is_left_as_it_is(encoding: str) -> None:
    assert decoder_for(encoding) is None


def test_the_case_of_its_name_says_nothing() -> None:
    assert read(" GZip ", [gzip.compress(b"{}")]) == b"{}"
