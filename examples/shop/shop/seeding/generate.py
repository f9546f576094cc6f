"""Generates every table of the shop in memory and writes it in bulk.

Deterministic: all chance comes from one `random.Random` with a fixed seed, all dates count
back from `LAST_DAY`, and primary keys are given, not drawn by the database.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.text import slugify

from shop.catalog.models import Brand, Category, Product, TaxClass
from shop.customers.models import Customer, Order, OrderLine, Review, Tier
from shop.pricing.models import PriceRule, ShippingRate
from shop.pricing.tax import RATES
from shop.search import index
from shop.seeding import words
from shop.seeding.prices import price_rules, shipping_rates

SEED = 2026
LAST_DAY = datetime(2025, 12, 31, 18, 0, tzinfo=UTC)
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Scale:
    """How many rows of each kind."""

    products: int = 3000
    customers: int = 1200
    reviews: int = 9000
    orders: int = 4000


def is_seeded(scale: Scale) -> bool:
    """Whether the database holds data of this scale. Seeding is all or nothing, so counts do."""
    return (
        Product.objects.count() == scale.products
        and Customer.objects.count() == scale.customers
        and Review.objects.count() == scale.reviews
        and Order.objects.count() == scale.orders
    )


@transaction.atomic
def seed(scale: Scale) -> None:
    """Replaces all data of the shop; sessions stay."""
    for model in (Category, Brand, Customer, PriceRule, ShippingRate):
        model.objects.all().delete()  # the rest goes by cascade
    rng = random.Random(SEED)
    shelves = _shelves()
    brands = _brands(rng)
    Category.objects.bulk_create(shelves)
    Brand.objects.bulk_create(brands)
    products = list(_products(rng, scale.products, shelves, brands))
    customers = list(_customers(rng, scale.customers))
    reviews = list(_reviews(rng, scale.reviews, products, customers))
    _tally(reviews)
    Product.objects.bulk_create(products, batch_size=BATCH)
    Customer.objects.bulk_create(customers, batch_size=BATCH)
    Review.objects.bulk_create(reviews, batch_size=BATCH)
    orders, lines = _orders(rng, scale.orders, products, customers)
    Order.objects.bulk_create(orders, batch_size=BATCH)
    OrderLine.objects.bulk_create(lines, batch_size=BATCH)
    PriceRule.objects.bulk_create(price_rules(rng, shelves, brands))
    ShippingRate.objects.bulk_create(shipping_rates(rng), batch_size=BATCH)
    index.build(products)


def _shelves() -> list[Category]:
    shelves: list[Category] = []
    for top_name, lower in words.SHELVES.items():
        top = Category(id=len(shelves) + 1, name=top_name, slug=slugify(top_name))
        shelves.append(top)
        for name in lower:
            shelf = Category(id=len(shelves) + 1, name=name, slug=slugify(name), parent=top)
            shelves.append(shelf)
    return shelves


def _brands(rng: random.Random) -> list[Brand]:
    names = [f"{start} {end}" for start in words.BRAND_STARTS for end in words.BRAND_ENDS]
    countries = sorted(RATES)
    return [Brand(id=i, name=n, country=rng.choice(countries)) for i, n in enumerate(names, 1)]


def _products(
    rng: random.Random, count: int, shelves: list[Category], brands: list[Brand]
) -> Iterator[Product]:
    lower = [shelf for shelf in shelves if shelf.parent is not None]
    for number in range(1, count + 1):
        shelf = rng.choice(lower)
        kind = rng.choice(words.SHELVES[shelf.parent.name][shelf.name])
        line = rng.choice(words.LINES)
        material, other = rng.sample(words.MATERIALS, 2)
        chosen = {
            "material": material,
            "other": other,
            "colour": rng.choice(words.COLOURS),
            "quality": rng.choice(words.QUALITIES),
            "use": rng.choice(words.USES),
            "kind": kind.lower(),
            "line": line,
        }
        sentences = rng.sample(words.SENTENCES, rng.randint(4, 7))
        name = f"{line} {kind}, {material}, {chosen['colour']}"
        reduced = shelf.parent.name in words.REDUCED_TAX
        yield Product(
            id=number,
            sku=f"SH-{number:05d}",
            slug=f"{slugify(name)}-{number}",
            name=name,
            category=shelf,
            brand=rng.choice(brands),
            description=" ".join(sentences).format(**chosen),
            attributes={
                "material": material,
                "colour": chosen["colour"],
                "guarantee years": rng.choice([2, 5, 10]),
                "dimensions": f"{rng.randint(5, 90)} × {rng.randint(5, 60)} cm",
            },
            price=Decimal(rng.randint(250, 24_999)) / 100,
            tax_class=TaxClass.REDUCED if reduced else TaxClass.STANDARD,
            weight_grams=rng.randint(40, 6000),
            stock=max(0, rng.randint(-5, 120)),
            added=_moment(rng, days=900),
        )


def _customers(rng: random.Random, count: int) -> Iterator[Customer]:
    countries = sorted(RATES)
    for number in range(1, count + 1):
        yield Customer(
            id=number,
            number=f"C{number:06d}",
            name=f"{rng.choice(words.FIRST_NAMES)} {rng.choice(words.LAST_NAMES)}",
            email=f"customer{number}@shop.example",
            country=rng.choice(countries),
            tier=rng.choices(Tier.values, weights=(7, 2, 1))[0],
            joined=_moment(rng, days=1500),
        )


def _reviews(
    rng: random.Random, count: int, products: list[Product], customers: list[Customer]
) -> Iterator[Review]:
    for number in range(1, count + 1):
        stars = rng.choices((1, 2, 3, 4, 5), weights=(1, 1, 3, 8, 9))[0]
        title, body = words.OPINIONS[stars]
        yield Review(
            id=number,
            product=_popular(rng, products),
            customer=rng.choice(customers),
            stars=stars,
            title=title,
            body=body.format(
                material=rng.choice(words.MATERIALS),
                colour=rng.choice(words.COLOURS),
                quality=rng.choice(words.QUALITIES),
                use=rng.choice(words.USES),
            ),
            written=_moment(rng, days=600),
        )


def _tally(reviews: list[Review]) -> None:
    """Sets `stars` and `review_count` of the reviewed products."""
    stars: dict[Product, list[int]] = {}
    for review in reviews:
        stars.setdefault(review.product, []).append(review.stars)
    for product, given in stars.items():
        product.stars = sum(given) / len(given)
        product.review_count = len(given)


def _orders(
    rng: random.Random, count: int, products: list[Product], customers: list[Customer]
) -> tuple[list[Order], list[OrderLine]]:
    orders: list[Order] = []
    lines: list[OrderLine] = []
    for number in range(1, count + 1):
        order = Order(id=number, customer=rng.choice(customers), placed=_moment(rng, days=365))
        orders.append(order)
        for _ in range(rng.randint(1, 4)):
            product = _popular(rng, products)
            line = OrderLine(
                id=len(lines) + 1,
                order=order,
                product=product,
                quantity=rng.randint(1, 3),
                unit_price=product.price,
            )
            lines.append(line)
    return orders, lines


def _popular(rng: random.Random, products: list[Product]) -> Product:
    """One product; the first ones come up far more often, as in real shops."""
    return products[int(len(products) * rng.random() ** 2)]


def _moment(rng: random.Random, days: int) -> datetime:
    return LAST_DAY - timedelta(minutes=rng.randrange(days * 24 * 60))
