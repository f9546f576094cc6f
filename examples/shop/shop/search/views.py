"""The search page: ranked cards with the sentence in which the words were found."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.catalog.cards import Card, make_cards
from shop.catalog.models import Product
from shop.search.index import Found, search, suggest
from shop.search.text import excerpt

PAGE_SIZE = 20
LONGEST_INPUT = 200


def search_page(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")[:LONGEST_INPUT].strip()
    found = search(query)
    page = Paginator(found.ids, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "search/results.html",
        {
            "query": query,
            "page": page,
            "results": _results(request, list(page), found),
            "suggestion": suggest(query) if query and not found.ids else None,
        },
    )


def _results(request: HttpRequest, ids: list[int], found: Found) -> list[tuple[Card, str]]:
    by_id = Product.objects.for_cards().in_bulk(ids)
    products = [by_id[product_id] for product_id in ids]
    cards = make_cards(products, request.visitor)
    return [(card, excerpt(card.product.description, found.terms)) for card in cards]
