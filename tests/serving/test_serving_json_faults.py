import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slice_tf_serving.json_forms.faults import FaultError, fault_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=10,
)


@given(JSON, st.booleans())
def test_no_fault_is_found_in_json(value, is_ascii):
    body = json.dumps(value, ensure_ascii=is_ascii).encode()
    assert fault_of(body) is None


@given(JSON.filter(lambda value: isinstance(value, (list, dict))), st.data())
def test_what_breaks_off_is_told_at_its_end(value, data):
    body = json.dumps(value).encode()
    size = data.draw(st.integers(1, len(body) - 1))
    fault = fault_of(body[:size])
    assert fault is not None
    assert fault.offset <= size


def test_no_depth_is_too_great():
    assert fault_of(b"[" * 10**5 + b"]" * 10**5) is None
    assert fault_of(b"[" * 10**5) == FaultError("Invalid value.", 10**5)


@pytest.mark.parametrize(
    ("body", "text", "offset"),
    [
        (b"", "The document is empty.", 0),
        (b" \n", "The document is empty.", 2),
        (b"]", "The document is empty.", 0),
        (b"\xef\xbb\xbf,", "The document is empty.", 3),
        (b"{1", "Missing a name for object member.", 1),
        (b'{"a":1,}', "Missing a name for object member.", 7),
        (b'{"a"}', "Missing a colon after a name of object member.", 4),
        (b'{"a":1]', "Missing a comma or '}' after an object member.", 6),
        (b"[1}", "Missing a comma or ']' after an array element.", 2),
        (b"[1,]", "Invalid value.", 3),
        (b'{"a":\x00', "Invalid value.", 5),
        (b"[nil]", "Invalid value.", 2),
        (b"nul", "Invalid value.", 3),
        (b"[Nan]", "Invalid value.", 3),
        (b"[Infinite]", "Invalid value.", 8),
        (b"[-x]", "Invalid value.", 2),
        (b"[+1]", "Invalid value.", 1),
        (b"[1.]", "Miss fraction part in number.", 3),
        (b"[1.5e-]", "Miss exponent in number.", 6),
        (b"[1e5.5]", "Missing a comma or ']' after an array element.", 4),
        (b"[-1e999]", "Number too big to be stored in double.", 1),
        (b'["a', "Missing a closing quotation mark in string.", 3),
        (b'["\n"]', "Invalid escape character in string.", 2),
        (rb'["\x"]', "Invalid escape character in string.", 2),
        (
            rb'["\u12g4"]',
            "Incorrect hex digit after \\u escape in string.",
            2,
        ),
        (rb'["a\ud800"]', "The surrogate pair in string is invalid.", 3),
        (
            rb'["\ud800\u0041"]',
            "The surrogate pair in string is invalid.",
            2,
        ),
        (
            rb'["\ud800\u00"]',
            "Incorrect hex digit after \\u escape in string.",
            2,
        ),
    ],
    ids=str,
)
def test_fault_is_told_with_its_place(body, text, offset):
    assert fault_of(body) == FaultError(text, offset)
