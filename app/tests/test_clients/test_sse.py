"""The parser of event streams: how the bytes are cut changes nothing."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pastis_client.sse import Event, EventParser

LINE_ENDS = ("\n", "\r", "\r\n")
texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8)
names = texts.filter(bool)


def render(event: Event, comment: str, end: str) -> str:
    lines = [f":{comment}", f"event: {event.type}", f"id: {event.id}"]
    lines += [f"data: {line}" for line in event.data.split("\n")]
    return "".join(line + end for line in [*lines, ""])


def parse(pieces: list[bytes]) -> list[Event]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@st.composite
def events(draw: st.DrawFn) -> Event:
    return Event(draw(names), "\n".join(draw(st.lists(texts, min_size=1, max_size=3))), draw(texts))


@given(
    st.lists(st.tuples(events(), texts), max_size=5),
    st.sampled_from(LINE_ENDS),
    st.sets(st.integers(0, 400)),
    st.booleans(),
)
def test_any_cut_gives_the_same_events(
    wanted: list[tuple[Event, str]], end: str, cuts: set[int], bom: bool
) -> None:
    text = "".join(render(event, comment, end) for event, comment in wanted)
    stream = (("\ufeff" if bom else "") + text).encode()
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(stream)), len(stream)]
    assert parse([stream[start:stop] for start, stop in pairwise(edges)]) == [event for event, _ in wanted]


@given(st.binary(max_size=200), st.integers(0, 200))
@example(b"data: \xe2\x82\xac\n\n", 7)
def test_garbage_is_the_same_in_one_piece_or_two(stream: bytes, cut: int) -> None:
    assert parse([stream[:cut], stream[cut:]]) == parse([stream])


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        (b"data\n\n", [Event("message", "", "")]),
        (b"event: x\n\n", []),
        (b"event: x\n\ndata: a\n\n", [Event("message", "a", "")]),
        (
            b"id: 1\ndata:a\ndata:  b\n\ndata: c\n\n",
            [Event("message", "a\n b", "1"), Event("message", "c", "1")],
        ),
        (b"id: 1\nid: a\0b\ndata: a\n\n", [Event("message", "a", "1")]),
        (b"data: a\n", []),
        (b"data: a\r\rdata: b\r\n\r\n", [Event("message", "a", ""), Event("message", "b", "")]),
        ("data: a\u2028b\x85c\n\n".encode(), [Event("message", "a\u2028b\x85c", "")]),
        (b"unknown: 1\n: comment\ndata: a\n\n", [Event("message", "a", "")]),
    ],
)
def test_what_the_standard_says(stream: bytes, wanted: list[Event]) -> None:
    assert parse([stream]) == wanted
    assert parse([bytes([byte]) for byte in stream]) == wanted


def test_retry_is_a_number_of_milliseconds() -> None:
    parser = EventParser()
    assert parser.retry is None
    assert parser.feed("retry: 1500\nretry: soon\nretry: \u0661\nretry:\n".encode()) == []
    assert parser.retry == 1500
