"""Where a body stops being JSON, as TensorFlow Serving tells it."""

import codecs
import dataclasses
import math
import re

_SPACE = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = rb"[\da-fA-F]"
_ESCAPE = re.compile(
    rb'\\(?:["\\/bfnrt]'
    rb"|u(?![dD][89abAB])%b{4}"
    rb"|u[dD][89abAB]%b{2}\\u[dD][c-fC-F]%b{2})" % (_HEX, _HEX, _HEX)
)
_UNICODE = re.compile(rb"\\u%b{4}" % _HEX)
_BROKEN_PAIR = re.compile(rb"\\u%b{4}(?!\\u(?!%b{4}))" % (_HEX, _HEX))
_NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_UNFINISHED = re.compile(
    rb"-?\d+(?:(?P<fraction>\.)|(?:\.\d+)?[eE][+-]?)(?!\d)"
)
_WORDS = (b"null", b"true", b"false", b"NaN", b"Infinity", b"Inf")
_LONGEST = max(map(len, _WORDS))
_END = (b"", b"\0")

# What may follow, and what is told where something else does.
_START = "The document is empty."
_KEY = "Missing a name for object member."
_COLON = "Missing a colon after a name of object member."
_VALUE = "Invalid value."
_AFTER_MEMBER = "Missing a comma or '}' after an object member."
_AFTER_ITEM = "Missing a comma or ']' after an array element."


@dataclasses.dataclass(frozen=True)
class FaultError(Exception):
    """A fault of JSON.

    Args:
        text: What is wrong.
        offset: Number of bytes before it.
    """

    text: str
    offset: int


def fault_of(body: bytes) -> FaultError | None:
    """Returns the first fault of the value that a body begins with.

    Nothing is built, and no depth is too great. NaN and Infinity are values,
    and bytes that are no UTF-8 are not looked at, as in TensorFlow Serving.
    """
    try:
        _scan(body)
    except FaultError as fault:
        return fault
    return None


def _scan(body: bytes) -> None:
    at = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
    closers: list[bytes] = []
    state, may_close = _START, False
    while closers or state is _START:
        at = _skip(body, at)
        token = body[at : at + 1]
        if may_close and token == closers[-1]:
            closers.pop()
            state, may_close, at = _after(closers), True, at + 1
        elif state in (_AFTER_MEMBER, _AFTER_ITEM):
            at = _read(body, at, b",", state)
            state = _KEY if state is _AFTER_MEMBER else _VALUE
            may_close = False
        elif state is _KEY:
            if token != b'"':
                raise FaultError(state, at)
            state, may_close, at = _COLON, False, _string(body, at)
        elif state is _COLON:
            at = _read(body, at, b":", state)
            state = _VALUE
        elif token == b"{":
            closers.append(b"}")
            state, may_close, at = _KEY, True, at + 1
        elif token == b"[":
            closers.append(b"]")
            state, may_close, at = _VALUE, True, at + 1
        else:
            at = _atom(body, at, state)
            state, may_close = _after(closers), True


def _after(closers: list[bytes]) -> str:
    return _AFTER_MEMBER if closers[-1:] == [b"}"] else _AFTER_ITEM


def _skip(body: bytes, at: int) -> int:
    space = _SPACE.match(body, at)
    return space.end() if space else at


def _read(body: bytes, at: int, token: bytes, text: str) -> int:
    if body[at : at + 1] != token:
        raise FaultError(text, at)
    return at + 1


def _atom(body: bytes, at: int, state: str) -> int:
    """Returns where a string, number or word ends."""
    token = body[at : at + 1]
    if token in (*_END, b",", b":", b"]", b"}"):
        raise FaultError(state, at)
    if token == b'"':
        return _string(body, at)
    if token in b"ntf":
        return _word(body, at)
    return _number(body, at)


def _string(body: bytes, at: int) -> int:
    at += 1
    while True:
        plain = _PLAIN.match(body, at)
        at = plain.end() if plain else at
        token = body[at : at + 1]
        if token == b'"':
            return at + 1
        if token in _END:
            raise FaultError("Missing a closing quotation mark in string.", at)
        escape = _ESCAPE.match(body, at)
        if escape is None:
            raise FaultError(_escape_fault(body, at), at)
        at = escape.end()


def _escape_fault(body: bytes, at: int) -> str:
    if body[at : at + 2] != b"\\u":
        return "Invalid escape character in string."
    if _UNICODE.match(body, at) and _BROKEN_PAIR.match(body, at):
        return "The surrogate pair in string is invalid."
    return "Incorrect hex digit after \\u escape in string."


def _number(body: bytes, at: int) -> int:
    number = _NUMBER.match(body, at)
    if number is None:
        return _word(body, at + body.startswith(b"-", at))
    if math.isinf(float(number[0])):
        raise FaultError("Number too big to be stored in double.", at)
    unfinished = _UNFINISHED.match(body, at)
    if unfinished is not None and unfinished.end() > number.end():
        part = "fraction part" if unfinished["fraction"] else "exponent"
        raise FaultError(f"Miss {part} in number.", unfinished.end())
    return number.end()


def _word(body: bytes, at: int) -> int:
    for word in _WORDS:
        end = at + len(word)
        if body.startswith(word, at) and body[at : end + 1] != b"Infi":
            return end
    sizes = range(len(body[at : at + _LONGEST]) + 1)
    known = [
        size
        for size in sizes
        if any(one.startswith(body[at : at + size]) for one in _WORDS)
    ]
    raise FaultError(_VALUE, at + known[-1])
