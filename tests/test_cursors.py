"""Cursors: what was written can be read again, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.cursors import Cursor, Inside

ids = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=64)
keys = st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 2**40), ids)
insides = st.none() | st.builds(Inside, keys, st.none() | st.integers(0, 2**53))
cursors = st.builds(
    Cursor,
    st.just("5fa1c3d2e4b6"),
    st.integers(0, 2**53),
    st.integers(0, 2**53),
    st.sampled_from(["", "a1-b2"]),
    insides,
)


@given(cursors)
def test_a_cursor_is_read_as_it_was_written_and_fits_into_an_address(cursor):
    text = str(cursor)
    assert Cursor.read(text) == cursor
    assert text.isascii()
    assert not set(text) & set(" &?#%+=/\n")


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_none_and_never_an_error(text):
    Cursor.read(text)
    Cursor.read(f"epoch.1.2.lens.{text}")


@pytest.mark.parametrize(
    "text",
    ["", "x", "e.1", "e.one.2", "e.1.2.l.W10", "e.1.2.l.!", ".1.2", "e.-1.2", "e.1.2.l.i.more", "e" * 5000 + ".1.2"],
)
def test_what_is_no_cursor_is_none(text):
    assert Cursor.read(text) is None
