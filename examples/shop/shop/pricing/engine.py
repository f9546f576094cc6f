"""Applies price rules to products, and adds a cart up to a quote.

The `PriceBook` is loaded once per request and then answers from memory. Of the rules whose
condition holds, the one of highest priority is taken: reductions are never stacked on a line.
A second, separate rule may reduce the cart as a whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.catalog.models import Product
from shop.customers.visitor import Visitor
from shop.pricing.models import PriceRule
from shop.pricing.money import ZERO, percent_of, to_cents
from shop.pricing.rules import Facts, holds, parse_condition
from shop.pricing.shipping import RateTable, cheapest
from shop.pricing.tax import UnknownCountry, tax_percent

CART_FIELDS = frozenset({"subtotal", "coupon"})


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one piece: listed, asked, and the rule that made the difference."""

    listed: Decimal
    asked: Decimal
    rule: str = ""

    @property
    def is_reduced(self) -> bool:
        return self.asked < self.listed


@dataclass(frozen=True, slots=True)
class QuoteLine:
    product: Product
    quantity: int
    price: Price
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    lines: tuple[QuoteLine, ...]
    country: str
    net: Decimal
    reduction: Decimal
    reduction_rule: str
    tax: Decimal
    shipping: Decimal
    carrier: str
    total: Decimal


class PriceBook:
    """The rules in force, ready to price products for one visitor."""

    def __init__(self, rules: Iterable[PriceRule], visitor: Visitor) -> None:
        self.rules = list(rules)
        self.visitor = visitor

    @classmethod
    def load(cls, visitor: Visitor) -> "PriceBook":
        return cls(PriceRule.objects.active(), visitor)

    def price(self, product: Product, quantity: int = 1) -> Price:
        """The price of one piece when this many are bought."""
        facts = Facts(
            category=category_slugs(product),
            brand=product.brand.name.lower(),
            tier=self.visitor.tier,
            country=self.visitor.country.lower(),
            quantity=quantity,
            price=product.price,
        )
        rule = self._best_rule(facts, about_cart=False)
        if rule is None:
            return Price(product.price, product.price)
        reduction = percent_of(product.price, rule.percent_off)
        return Price(product.price, product.price - reduction, rule.name)

    def cart_rule(self, subtotal: Decimal, coupon: str) -> PriceRule | None:
        facts = Facts(
            tier=self.visitor.tier,
            country=self.visitor.country.lower(),
            coupon=coupon.strip().lower(),
            subtotal=subtotal,
        )
        return self._best_rule(facts, about_cart=True)

    def _best_rule(self, facts: Facts, *, about_cart: bool) -> PriceRule | None:
        for rule in self.rules:
            clauses = parse_condition(rule.condition)
            asks_cart = any(clause.field in CART_FIELDS for clause in clauses)
            if asks_cart == about_cart and all(holds(clause, facts) for clause in clauses):
                return rule
        return None


def category_slugs(product: Product) -> frozenset[str]:
    """The shelf a product stands on, and the one above: a rule may name either."""
    category = product.category
    if category.parent is None:
        return frozenset({category.slug})
    return frozenset({category.slug, category.parent.slug})


def quote(
    book: PriceBook,
    items: Sequence[tuple[Product, int]],
    rates: RateTable,
    coupon: str = "",
) -> Quote:
    """Adds up a cart for the book's visitor: lines, cart reduction, tax, shipping, total.

    The cart reduction is spread over the lines in proportion, so that each part is taxed at
    the rate of its line. Shipping is taxed at the standard rate, and is free for an empty cart.

    Raises:
        UnknownCountry: the visitor's country is not delivered to.
        TooHeavy: no carrier takes the parcel.
    """
    country = book.visitor.country
    priced = [(product, count, book.price(product, count)) for product, count in items]
    net = sum((price.asked * count for _, count, price in priced), ZERO)
    rule = book.cart_rule(net, coupon)
    percent_off = rule.percent_off if rule else ZERO

    lines = []
    for product, count, price in priced:
        line_net = price.asked * count
        taxable = line_net - line_net * percent_off / 100
        tax = percent_of(taxable, tax_percent(country, product.tax_class))
        lines.append(QuoteLine(product, count, price, line_net, tax))

    shipping, carrier = _shipping(items, rates, country)
    shipping_tax = percent_of(shipping, tax_percent(country, "standard"))
    reduction = percent_of(net, percent_off)
    tax = sum((line.tax for line in lines), shipping_tax)
    return Quote(
        lines=tuple(lines),
        country=country,
        net=net,
        reduction=reduction,
        reduction_rule=rule.name if rule else "",
        tax=tax,
        shipping=shipping,
        carrier=carrier,
        total=to_cents(net - reduction + shipping + tax),
    )


def _shipping(items: Sequence[tuple[Product, int]], rates: RateTable, country: str) -> tuple[Decimal, str]:
    if not items:
        return ZERO, ""
    if country not in rates:
        raise UnknownCountry(f"we do not deliver to {country!r}")
    rate = cheapest(rates[country], sum(product.weight_grams * count for product, count in items))
    return rate.price, rate.carrier
