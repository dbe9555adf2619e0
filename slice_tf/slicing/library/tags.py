"""Questions about the tags that spaCy gives a text."""

from typing import Any


def last_tag(doc: Any) -> str:
    """Returns the part of speech of the last token that is no punctuation.

    Args:
        doc: A spaCy `Doc` whose tokens are tagged.

    Returns:
        A universal part of speech, such as `VERB`; nothing where there is no
        such token.
    """
    for token in reversed(doc):
        if not token.is_punct and not token.is_space:
            return str(token.pos_)
    return ""
