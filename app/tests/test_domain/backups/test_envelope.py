"""Files of backups open as they were written, and not at all where anything was changed."""

import random
from collections.abc import Iterator

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.backups import envelope
from app.services.backups.envelope import CHUNK, MAGIC, SALT, TAG, BackupError, Packer
from app.tests.support.backups import KEY
from app.tests.support.depth import examples

keys = st.sampled_from([None, KEY])
documents = st.lists(
    st.dictionaries(st.text("abc", max_size=3), st.one_of(st.integers(-9, 9), st.text(max_size=5))),
    max_size=9,
)


def pack(batches: list[bytes], key: bytes | None, name: str = "tasks") -> bytes:
    written: list[bytes] = []
    packer = Packer(written.append, key, name)
    for batch in batches:
        packer.add(batch)
    packer.finish()
    content = b"".join(written)
    assert packer.bytes == len(content)
    return content


def unpack(content: bytes, key: bytes | None, name: str = "tasks", block: int = 1000) -> list[bytes]:
    blocks: Iterator[bytes] = (content[at : at + block] for at in range(0, len(content), block))
    return list(envelope.unpacked(envelope.opened(blocks, key, name), name))


@settings(max_examples=examples(60))
@given(docs=documents, key=keys, cut=st.integers(1, 4), block=st.integers(1, 400))
def test_what_was_packed_comes_out(
    docs: list[dict[str, object]], key: bytes | None, cut: int, block: int
) -> None:
    encoded = [bson.encode(doc) for doc in docs]
    batches = [b"".join(encoded[at : at + cut]) for at in range(0, len(encoded), cut)]
    found = unpack(pack(batches, key), key, block=block)
    assert [envelope.document(one) for one in found] == docs


def large() -> bytes:
    """A file of several chunks, as noise is not compressed."""
    return pack([bson.encode({"noise": random.Random(1).randbytes(3 * CHUNK)})], KEY)


def test_files_of_several_chunks_come_out() -> None:
    (found,) = unpack(large(), KEY, block=70_000)
    assert len(envelope.document(found)["noise"]) == 3 * CHUNK


@settings(max_examples=examples(60))
@given(key=keys, at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_bit_is_noticed(key: bytes | None, at: int, bit: int) -> None:
    content = bytearray(pack([bson.encode({"n": number}) for number in range(50)], key))
    place = at % len(content)
    content[place] ^= 1 << bit
    if key is None and place < 10:
        return  # of gzip's header not all is looked at; the manifest's hash is over it too
    with pytest.raises(BackupError):
        unpack(bytes(content), key)


@settings(max_examples=examples(60))
@given(key=keys, kept=st.integers(0, 10_000))
def test_a_cut_is_noticed(key: bytes | None, kept: int) -> None:
    content = pack([bson.encode({"n": number}) for number in range(50)], key)
    with pytest.raises(BackupError):
        unpack(content[: kept % len(content)], key)


def test_a_cut_between_chunks_and_another_order_are_noticed() -> None:
    content, size, begin = large(), CHUNK + TAG, len(MAGIC) + SALT
    first, second = content[begin : begin + size], content[begin + size : begin + 2 * size]
    rest = content[begin + 2 * size :]
    for changed in (first + second, second + first + rest, first + first + rest, second + rest, b""):
        with pytest.raises(BackupError):
            unpack(content[:begin] + changed, KEY)


def test_another_key_and_another_place_do_not_open_it() -> None:
    content = pack([bson.encode({"n": 1})], KEY)
    assert b"n" in unpack(content, KEY)[0]
    with pytest.raises(BackupError, match="another key"):
        unpack(content, KEY + b"!")
    with pytest.raises(BackupError, match="another key"):
        unpack(content, KEY, "users")
    with pytest.raises(BackupError, match="PASTIS_BACKUP_KEY"):
        unpack(content, None)
    with pytest.raises(BackupError, match="not encrypted"):
        unpack(pack([bson.encode({"n": 1})], None), KEY)
    assert pack([bson.encode({"n": 1})], KEY) != content


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(BackupError, match="no file of a backup"):
        pack([b"\x00\x00\x00\x00"], None)
