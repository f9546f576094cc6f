"""The JSON API: products page by page, one product, the categories, and a price for a list.

It writes nothing. Lists show the prices of whoever signed in; a quote is for a standard
customer of the country that the caller names.
"""

import json
from typing import Any

from django.core.paginator import EmptyPage, PageNotAnInteger, Paginator
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from shop.catalog.models import Category, Product
from shop.customers.visitor import DEFAULT_COUNTRY, Visitor
from shop.pricing.engine import Price, PriceBook, Quote, quote
from shop.pricing.shipping import TooHeavy
from shop.pricing.tax import UnknownCountry

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100
MOST_LINES = 50
MOST_PIECES = 1000


class BadRequest(ValueError):
    """The caller's mistake, in words for the caller."""


def _error(status: int, message: str) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)


@require_GET
def product_list(request: HttpRequest) -> JsonResponse:
    products = Product.objects.for_cards().order_by("id")
    if slug := request.GET.get("category"):
        products = products.filter(category__slug=slug)
    try:
        size = int(request.GET.get("page_size", DEFAULT_PAGE_SIZE))
        page = Paginator(products, max(1, min(size, LARGEST_PAGE_SIZE))).page(request.GET.get("page", 1))
    except (ValueError, PageNotAnInteger):
        return _error(400, "page and page_size must be whole numbers")
    except EmptyPage:
        return _error(404, "there is no such page")
    book = PriceBook.load(request.visitor)
    following = None
    if page.has_next():
        query = request.GET.dict() | {"page": page.next_page_number()}
        following = f"{reverse('api-products')}?{urlencode(query)}"
    return JsonResponse(
        {
            "count": page.paginator.count,
            "page": page.number,
            "pages": page.paginator.num_pages,
            "next": following,
            "results": [_product_json(item, book.price(item)) for item in page],
        }
    )


@require_GET
def product_detail(request: HttpRequest, sku: str) -> JsonResponse:
    item = Product.objects.for_cards().filter(sku=sku).first()
    if item is None:
        return _error(404, "there is no such product")
    book = PriceBook.load(request.visitor)
    reviews = item.reviews.select_related("customer")[:20]
    return JsonResponse(
        _product_json(item, book.price(item))
        | {
            "description": item.description,
            "attributes": item.attributes,
            "weight_grams": item.weight_grams,
            "reviews": [
                {
                    "author": review.customer.name,
                    "stars": review.stars,
                    "title": review.title,
                    "body": review.body,
                    "written": review.written,
                }
                for review in reviews
            ],
        }
    )


@require_GET
def category_list(request: HttpRequest) -> JsonResponse:
    shelves = Category.objects.select_related("parent")
    return JsonResponse(
        {
            "results": [
                {
                    "slug": shelf.slug,
                    "name": shelf.name,
                    "parent": shelf.parent.slug if shelf.parent else None,
                }
                for shelf in shelves
            ]
        }
    )


@csrf_exempt  # answers a question and changes nothing
@require_POST
def price_quote(request: HttpRequest) -> JsonResponse:
    """Prices ``{"country", "coupon", "lines": [{"sku", "quantity"}]}``."""
    try:
        country, coupon, wanted = _read_quote_request(request.body)
        found = Product.objects.for_cards().filter(sku__in=wanted)
        products = {item.sku: item for item in found}
        if missing := sorted(set(wanted) - set(products)):
            raise BadRequest(f"unknown sku: {', '.join(missing)}")
        book = PriceBook.load(Visitor(country=country))
        items = [(products[sku], count) for sku, count in wanted.items()]
        answer = quote(book, items, request.shipping_rates, coupon)
    except (BadRequest, UnknownCountry, TooHeavy) as error:
        return _error(400, str(error))
    return JsonResponse(_quote_json(answer))


def _read_quote_request(body: bytes) -> tuple[str, str, dict[str, int]]:
    try:
        asked: Any = json.loads(body)
        country = str(asked.get("country", DEFAULT_COUNTRY))
        coupon = str(asked.get("coupon", ""))
        wanted: dict[str, int] = {}
        for line in asked["lines"]:
            sku, count = str(line["sku"]), line.get("quantity", 1)
            if type(count) is not int or not 1 <= count <= MOST_PIECES:
                raise BadRequest(f"quantity must be a whole number from 1 to {MOST_PIECES}")
            wanted[sku] = wanted.get(sku, 0) + count
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    except (AttributeError, KeyError, TypeError):
        raise BadRequest('"lines" must be a list of {"sku", "quantity"}') from None
    if len(wanted) > MOST_LINES:
        raise BadRequest(f"at most {MOST_LINES} lines")
    return country, coupon, wanted


def _product_json(item: Product, price: Price) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "name": item.name,
        "url": item.get_absolute_url(),
        "brand": item.brand.name,
        "category": item.category.slug,
        "price": {"listed": price.listed, "asked": price.asked, "rule": price.rule or None},
        "stars": round(item.stars, 2) if item.stars is not None else None,
        "reviews": item.review_count,
        "in_stock": item.stock > 0,
        "added": item.added,
    }


def _quote_json(answer: Quote) -> dict[str, Any]:
    return {
        "country": answer.country,
        "lines": [
            {
                "sku": line.product.sku,
                "quantity": line.quantity,
                "unit_price": line.price.asked,
                "rule": line.price.rule or None,
                "net": line.net,
                "tax": line.tax,
            }
            for line in answer.lines
        ],
        "net": answer.net,
        "reduction": answer.reduction,
        "reduction_rule": answer.reduction_rule or None,
        "shipping": answer.shipping,
        "carrier": answer.carrier or None,
        "tax": answer.tax,
        "total": answer.total,
    }
