"""What a path of the REST API asks for."""

import dataclasses
import functools
import re
import urllib.parse

from slice_tf_serving.versions import MAX_VERSION

_WHERE = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
# The path is matched whatever its case, but a verb is not known by another,
# and a query is part of a name.
_POST = re.compile(rf"(?i:{_WHERE}):(classify|regress|predict)")
_GET = re.compile(
    r"(?i)/v1/models(?:/([^/:]+))?"
    r"(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata)?"
)
_DIGITS = 30  # more than any version has
_CHARACTER = r"[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2}"
_MORE = rf"(?:{_CHARACTER}|\?)*"
_URI = re.compile(
    rf"(?:{_CHARACTER})*(?:\?{_MORE})?(?:#{_MORE})?".encode(), re.IGNORECASE
)


def is_uri(path: bytes) -> bool:
    """Tells whether a path, and what follows it, is spelled as in RFC 3986.

    A percent sign must begin an escape; quotes and brackets must be escaped.
    """
    return _URI.fullmatch(path) is not None


@dataclasses.dataclass(frozen=True)
class RestPath:
    """A path, read.

    Args:
        verb: `predict`, `classify` or `regress`; `metadata` or `status`.
        model: Name of the model; empty where none is named.
        version: Number of its version, or `None`. It may be greater than any
            version can be.
        label: Label of its version, or `None`.
    """

    verb: str
    model: str
    version: int | None
    label: str | None

    @classmethod
    @functools.lru_cache(maxsize=1024)
    def of(cls, method: str, path: bytes) -> "RestPath | None":
        """Reads a path; `None` stands for one that means nothing."""
        if not is_uri(path):
            return None
        text = path.decode()
        if method == "POST":
            post = _POST.fullmatch(text)
            return (
                None if post is None else cls._of(post[4], *post.groups()[:3])
            )
        get = _GET.fullmatch(text) if method == "GET" else None
        if get is None:
            return None
        verb = "metadata" if get[4] == "/metadata" else "status"
        return cls._of(verb, *get.groups()[:3])

    @classmethod
    def _of(
        cls,
        verb: str,
        model: str | None,
        version: str | None,
        label: str | None,
    ) -> "RestPath":
        number = None
        if version is not None:
            number = int(version) if len(version) < _DIGITS else MAX_VERSION + 1
        return cls(
            verb,
            urllib.parse.unquote(model or ""),
            number,
            None if label is None else urllib.parse.unquote(label),
        )
