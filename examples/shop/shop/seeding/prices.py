"""Generates the owner's tables: price rules in force, past and future; shipping rates."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from shop.catalog.models import Brand, Category
from shop.pricing.models import PriceRule, ShippingRate
from shop.pricing.tax import RATES

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PAST = datetime(2024, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(2095, 1, 1, tzinfo=UTC)

# Name, condition, percent off, priority.
STANDING_RULES = (
    ("Gold price", "tier = gold and price >= 50", "8", 40),
    ("Silver price", "tier in silver,gold", "3", 30),
    ("By the dozen", "quantity >= 10", "12", 60),
    ("Five or more", "quantity >= 5 and price <= 40", "7", 50),
    ("Tea for the north", "category = tea and country in DK,FI,SE", "5", 45),
    ("Welcome", "coupon = welcome10", "10", 90),
    ("Large order", "subtotal >= 500", "4", 80),
    ("Large order, gold", "subtotal >= 300 and tier = gold", "6", 85),
)
CARRIERS = ("Parcel Post", "Night Express", "Slow Freight")
WEIGHT_STEPS = (2_000, 10_000, 31_500, 1_000_000)


def price_rules(rng: random.Random, shelves: list[Category], brands: list[Brand]) -> Iterator[PriceRule]:
    for name, condition, percent, priority in STANDING_RULES:
        yield _rule(name, condition, percent, priority)
    for shelf in rng.sample(shelves, 10):
        percent = str(rng.choice((5, 10, 15)))
        least = rng.choice((2, 3, 4))
        condition = f"category = {shelf.slug} and quantity >= {least}"
        yield _rule(f"{shelf.name}: {least} or more", condition, percent, 55)
    for brand in rng.sample(brands, 8):
        condition = f"brand = {brand.name} and price >= {rng.randint(10, 60)}.00"
        yield _rule(f"{brand.name} weeks", condition, str(rng.choice((5, 10, 20))), 70)
    for year in range(2021, 2024):
        over = _rule(f"Summer {year}", "price >= 20", "15", 99)
        over.ends = PAST
        yield over
    ahead = _rule("Summer 2095", "price >= 20", "15", 99)
    ahead.starts = FAR_FUTURE
    yield ahead


def _rule(name: str, condition: str, percent: str, priority: int) -> PriceRule:
    return PriceRule(
        name=name,
        condition=condition,
        percent_off=Decimal(percent),
        priority=priority,
        starts=LONG_AGO,
    )


def shipping_rates(rng: random.Random) -> Iterator[ShippingRate]:
    for country in sorted(RATES):
        for carrier in CARRIERS:
            price = Decimal(rng.randint(350, 900)) / 100
            for step in WEIGHT_STEPS:
                yield ShippingRate(country=country, carrier=carrier, up_to_grams=step, price=price)
                price += Decimal(rng.randint(150, 900)) / 100
