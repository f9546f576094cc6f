"""The pages of the catalogue: home, category, product, and the cached index of brands."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.db.models import Count, Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_page

from shop.catalog.cards import make_cards
from shop.catalog.models import Brand, Category, Product
from shop.customers.models import Order, OrderLine, Review
from shop.pricing.engine import PriceBook

PAGE_SIZE = 24
SORTS = {
    "name": ("name", "id"),
    "price": ("price", "id"),
    "-price": ("-price", "id"),
    "new": ("-added", "id"),
    "stars": ("-stars", "-review_count", "id"),
}
BESTSELLER_DAYS = 30
BRANDS_CACHED_SECONDS = 60
REVIEWS_SHOWN = 10


def home(request: HttpRequest) -> HttpResponse:
    newest = Product.objects.for_cards().order_by("-added", "id")[:8]
    return render(
        request,
        "catalog/home.html",
        {
            "bestsellers": make_cards(_bestsellers(8), request.visitor),
            "newest": make_cards(newest, request.visitor),
            "reviews": Review.objects.select_related("product", "customer")[:5],
        },
    )


def _bestsellers(count: int) -> list[Product]:
    """What sold most in the days before the last order."""
    last = Order.objects.aggregate(last=Max("placed"))["last"]
    if last is None:
        return []
    sold = (
        OrderLine.objects.filter(order__placed__gte=last - timedelta(days=BESTSELLER_DAYS))
        .values("product")
        .annotate(pieces=Sum("quantity"))
        .order_by("-pieces", "product")[:count]
    )
    ids = [row["product"] for row in sold]
    by_id = Product.objects.for_cards().in_bulk(ids)
    return [by_id[product_id] for product_id in ids]


def category(request: HttpRequest, slug: str) -> HttpResponse:
    """One shelf. A top shelf shows the products of all shelves below it."""
    shelf = get_object_or_404(Category.objects.select_related("parent"), slug=slug)
    children = shelf.children.annotate(product_count=Count("products"))
    sort = request.GET.get("sort", "name")
    order = SORTS.get(sort, SORTS["name"])
    shelves = [shelf.pk, *(child.pk for child in children)]
    products = Product.objects.for_cards().filter(category__in=shelves).order_by(*order)
    page = Paginator(products, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "catalog/category.html",
        {
            "category": shelf,
            "children": children,
            "page": page,
            "cards": make_cards(page, request.visitor),
            "sort": sort,
            "sorts": SORTS,
        },
    )


def product(request: HttpRequest, slug: str) -> HttpResponse:
    item = get_object_or_404(Product.objects.for_cards(), slug=slug)
    book = PriceBook.load(request.visitor)
    related = (
        Product.objects.for_cards()
        .filter(category=item.category)
        .exclude(pk=item.pk)
        .order_by("-review_count", "id")[:4]
    )
    return render(
        request,
        "catalog/product.html",
        {
            "product": item,
            "price": book.price(item),
            "steps": [(count, book.price(item, count)) for count in (3, 5, 10)],
            "reviews": item.reviews.all()[:REVIEWS_SHOWN],
            "related": make_cards(related, request.visitor),
        },
    )


@cache_page(BRANDS_CACHED_SECONDS)
def brands(request: HttpRequest) -> HttpResponse:
    """All brands, A to Z. The page shows nothing of the visitor, so that all may share it."""
    listed = Brand.objects.annotate(product_count=Count("products"))
    return render(request, "catalog/brands.html", {"brands": listed})
