"""Words: cutting text into terms, and marking terms in text. Pure functions."""

import re
import unicodedata

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
STOP_WORDS = frozenset(
    "a an and are as at be by for from in is it its of on or that the this to with you your".split()
)
# Plural endings and what stands in their place; the first that fits is taken. After Harman,
# "How effective is suffixing?" (1991), which cuts no more than the plural: stems stay words.
PLURALS = (
    (re.compile(r"(?<![ae])ies$"), "y"),
    (re.compile(r"(?<=ch|sh|ss)es$|(?<=[xz])es$"), ""),
    (re.compile(r"(?<![aeo])es$"), "e"),
    (re.compile(r"(?<![us])s$"), ""),
)
SHORTEST_PLURAL = 4


def fold(text: str) -> str:
    """Lower case without accents: "Crème" and "creme" are one word."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def stem(word: str) -> str:
    if len(word) >= SHORTEST_PLURAL:
        for ending, replacement in PLURALS:
            singular, cut = ending.subn(replacement, word)
            if cut:
                return singular
    return word


def terms(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order, repeated as in the text."""
    return [stem(word) for word in WORD.findall(fold(text)) if word not in STOP_WORDS]


def excerpt(text: str, wanted: set[str], words: int = 24) -> SafeString:
    """The stretch of text around the first wanted term, with wanted words in ``<mark>``."""
    pieces = text.split()
    found = (at for at, piece in enumerate(pieces) if wanted.intersection(terms(piece)))
    start = max(next(found, 0) - words // 4, 0)
    shown = [
        f"<mark>{escape(piece)}</mark>" if wanted.intersection(terms(piece)) else escape(piece)
        for piece in pieces[start : start + words]
    ]
    before = "… " if start else ""
    after = " …" if start + words < len(pieces) else ""
    return mark_safe(before + " ".join(shown) + after)  # every piece was escaped above
