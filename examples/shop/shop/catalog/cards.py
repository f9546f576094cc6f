"""The product card, which most pages are made of: a product with the visitor's price."""

from collections.abc import Iterable
from dataclasses import dataclass

from shop.catalog.models import Product
from shop.customers.visitor import Visitor
from shop.pricing.engine import Price, PriceBook


@dataclass(frozen=True, slots=True)
class Card:
    product: Product
    price: Price


def make_cards(products: Iterable[Product], visitor: Visitor) -> list[Card]:
    """Prices products that came from `Product.objects.for_cards()`."""
    book = PriceBook.load(visitor)
    return [Card(product, book.price(product)) for product in products]
