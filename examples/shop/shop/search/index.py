"""Builds the index and answers searches from it, ranked by BM25.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009). The
length of a document is left out (b = 0): descriptions of products differ little in length.
"""

import difflib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from shop.catalog.models import Product
from shop.search.models import LONGEST_TERM, Posting
from shop.search.text import terms

NAME_WEIGHT = 5
BRAND_WEIGHT = 3
SATURATION = 1.2  # BM25's k1: how soon more of the same word stops helping
LONGEST_QUERY = 8  # terms; the rest of a pasted page is ignored


@dataclass(frozen=True, slots=True)
class Found:
    """Product ids, best first, and the terms they were found by."""

    ids: list[int]
    terms: set[str]


def term_weights(product: Product) -> Counter[str]:
    """The terms of one product, a word of the name or the brand counting more than once."""
    weights = Counter(terms(product.description))
    weights.update(terms(product.category.name))
    for term in terms(product.brand.name):
        weights[term] += BRAND_WEIGHT
    for term in terms(product.name):
        weights[term] += NAME_WEIGHT
    return weights


def build(products: Iterable[Product]) -> None:
    """Makes the index anew. A hundred thousand rows of three numbers: model objects would
    take most of the time, so the rows go to the database as they are."""
    Posting.objects.all().delete()
    rows = (
        (term[:LONGEST_TERM], product.pk, weight)
        for product in products
        for term, weight in term_weights(product).items()
    )
    table = connection.ops.quote_name(Posting._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} (term, product_id, weight) VALUES (%s, %s, %s)", rows)


def search(query: str) -> Found:
    """Products that hold at least one term of the query; those that hold all come first."""
    wanted = list(dict.fromkeys(terms(query)))[:LONGEST_QUERY]
    rows = Posting.objects.filter(term__in=wanted).values_list("term", "product_id", "weight")
    by_term: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for term, product_id, weight in rows:
        by_term[term].append((product_id, weight))

    total = Product.objects.count()
    scores: dict[int, float] = defaultdict(float)
    matched: Counter[int] = Counter()
    for matches in by_term.values():
        rarity = math.log(1 + (total - len(matches) + 0.5) / (len(matches) + 0.5))
        for product_id, weight in matches:
            scores[product_id] += rarity * weight * (SATURATION + 1) / (weight + SATURATION)
            matched[product_id] += 1
    ids = sorted(scores, key=lambda key: (-matched[key], -scores[key], key))
    return Found(ids=ids, terms=set(wanted))


def suggest(query: str) -> str | None:
    """The query with unknown words replaced by near ones, or None if there is nothing better."""
    words = []
    changed = False
    for term in terms(query)[:LONGEST_QUERY]:
        known = Posting.objects.filter(term__startswith=term[0]).values_list("term", flat=True)
        near = difflib.get_close_matches(term, sorted(set(known.distinct())), n=1, cutoff=0.7)
        words.append(near[0] if near else term)
        changed = changed or words[-1] != term
    return " ".join(words) if changed else None
