"""The same texts and questions for slice-tf and for its peer.

It needs nothing but Python, because the peer's interpreter imports it, too.
"""

import random
import string
import time

NUM_FUNCTIONS = 10
_random = random.Random(0)
_VOCABULARY = [
    "".join(_random.choices(string.ascii_lowercase, k=_random.randint(3, 9)))
    for _ in range(2000)
]
KEYWORDS = [_VOCABULARY[3 * i : 3 * i + 3] for i in range(NUM_FUNCTIONS)]


def texts(count):
    """Returns short texts of five to twenty words."""
    words = random.Random(1)
    return [
        " ".join(words.choices(_VOCABULARY, k=words.randint(5, 20))).title()
        for _ in range(count)
    ]


def look(text, keywords):
    """Tells whether a text holds a keyword."""
    lower = text.lower()
    return any(word in lower for word in keywords)


def tokens(text):
    """Returns the words of a text."""
    return set(text.lower().split())


def look_among(found, keywords):
    """Tells whether a keyword is among words."""
    return any(word in found for word in keywords)


def microseconds(work, count):
    """Returns the CPU time of one example, and what the work returned."""
    start = time.process_time()
    result = work()
    return (time.process_time() - start) / count * 1e6, result
