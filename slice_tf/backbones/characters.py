"""What becomes of each character before words are cut into pieces."""

import unicodedata

# Characters beyond have no entry of their own.
NUM_CHARACTERS = 1 << 16

# Blocks of Chinese characters, each of which is a word, beyond the table.
CHINESE_BEYOND = (
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
_CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
_SURROGATES = (0xD800, 0xDFFF)


def normal_characters(lower: bool) -> list[str]:
    """Returns what each of the first 65,536 characters becomes.

    White space becomes a blank and a control character nothing. Punctuation
    and Chinese characters get a blank on either side, because each is a word.

    Args:
        lower: Whether letters lose their case and their accents.

    Source:
        Devlin et al. 2019, released code: the tokenizer's description.
    """
    return [_normal(code, lower) for code in range(NUM_CHARACTERS)]


def _normal(code: int, lower: bool) -> str:
    character = chr(code)
    if _is_in(code, (_SURROGATES,)) or _is_dropped(character):
        return ""
    if _is_in(code, _CHINESE):
        return f" {_plain(character) if lower else character} "
    plain = _plain(character) if lower else character
    return "".join(map(_spaced, plain))


def _is_dropped(character: str) -> bool:
    if character in "\t\n\r":
        return False
    control = unicodedata.category(character) in ("Cc", "Cf", "Co")
    return control or character == "\ufffd"


def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    kept = (one for one in parts if unicodedata.category(one) != "Mn")
    return "".join(one.lower() for one in kept)


def _spaced(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category.startswith("Z"):
        return " "
    is_symbol = character.isascii() and not character.isalnum()
    if is_symbol or category.startswith("P"):
        return f" {character} "
    return character


def _is_in(code: int, blocks: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in blocks)
