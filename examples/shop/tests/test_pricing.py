"""Prices and quotes, computed by hand beside the engine."""

from datetime import UTC, datetime
from decimal import Decimal

from django.test import TestCase
from shop.catalog.models import Brand, Category, Product
from shop.customers.visitor import Visitor
from shop.pricing.engine import PriceBook, quote
from shop.pricing.models import PriceRule, ShippingRate
from shop.pricing.shipping import TooHeavy, rates_by_country
from shop.pricing.tax import UnknownCountry

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PAST = datetime(2021, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(2095, 1, 1, tzinfo=UTC)


def add_rule(name: str, condition: str, percent: str, priority: int, **dates: datetime) -> None:
    PriceRule.objects.create(
        name=name,
        condition=condition,
        percent_off=Decimal(percent),
        priority=priority,
        **{"starts": LONG_AGO, **dates},
    )


class PricingTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        pantry = Category.objects.create(name="Pantry", slug="pantry")
        tea = Category.objects.create(name="Tea", slug="tea", parent=pantry)
        brand = Brand.objects.create(name="Moor Mill", country="DE")
        common = {"category": tea, "brand": brand, "stock": 9, "added": LONG_AGO}
        cls.tea = Product.objects.create(
            sku="T",
            slug="t",
            price=Decimal("4.99"),
            tax_class="reduced",
            weight_grams=100,
            **common,
        )
        cls.pot = Product.objects.create(
            sku="P", slug="p", price=Decimal("30.00"), weight_grams=900, **common
        )
        for country, carrier, grams, price in (
            ("DE", "Slow", 1000, "3.50"),
            ("DE", "Fast", 1000, "6.00"),
            ("DE", "Slow", 5000, "9.90"),
            ("DE", "Fast", 5000, "8.80"),
        ):
            ShippingRate.objects.create(
                country=country, carrier=carrier, up_to_grams=grams, price=Decimal(price)
            )


class PriceTest(PricingTestCase):
    def price(self, product: Product, count: int = 1, **visitor: str) -> tuple[Decimal, str]:
        price = PriceBook.load(Visitor(**visitor)).price(product, count)
        return price.asked, price.rule

    def test_without_rules_the_listed_price_is_asked(self) -> None:
        self.assertEqual(self.price(self.tea), (Decimal("4.99"), ""))

    def test_the_highest_priority_wins_and_nothing_is_stacked(self) -> None:
        add_rule("cheap", "category = pantry", "50", 1)
        add_rule("three", "quantity >= 3", "10", 2)
        self.assertEqual(self.price(self.tea, 1), (Decimal("2.49"), "cheap"))  # 2.495 off → 2.50
        self.assertEqual(self.price(self.tea, 3), (Decimal("4.49"), "three"))  # 0.499 off → 0.50

    def test_rules_of_the_past_and_the_future_are_not_in_force(self) -> None:
        add_rule("over", "", "50", 9, ends=PAST)
        add_rule("ahead", "", "50", 9, starts=FAR_FUTURE)
        self.assertEqual(self.price(self.pot), (Decimal("30.00"), ""))

    def test_tier_brand_and_country_are_asked_of_visitor_and_product(self) -> None:
        add_rule("gold", "tier = gold and brand = Moor Mill and country in SE", "10", 1)
        self.assertEqual(self.price(self.pot, tier="gold", country="SE")[0], Decimal("27.00"))
        self.assertEqual(self.price(self.pot, tier="gold", country="DE")[0], Decimal("30.00"))

    def test_a_rule_about_the_cart_does_not_change_a_price(self) -> None:
        add_rule("coupon", "coupon = welcome10", "10", 1)
        self.assertEqual(self.price(self.pot), (Decimal("30.00"), ""))


class QuoteTest(PricingTestCase):
    def test_adds_up_lines_reduction_tax_and_shipping(self) -> None:
        add_rule("coupon", "coupon = welcome10", "10", 1)
        items = [(self.tea, 2), (self.pot, 1)]
        answer = quote(PriceBook.load(Visitor()), items, rates_by_country(), " Welcome10 ")
        self.assertEqual(answer.net, Decimal("39.98"))
        self.assertEqual(answer.reduction, Decimal("4.00"))
        # Tea: 9.98 − 10 % at 7 % = 0.63; pot: 30.00 − 10 % at 19 % = 5.13; shipping: 8.80 at 19 %.
        self.assertEqual([line.tax for line in answer.lines], [Decimal("0.63"), Decimal("5.13")])
        self.assertEqual((answer.shipping, answer.carrier), (Decimal("8.80"), "Fast"))
        self.assertEqual(answer.tax, Decimal("0.63") + Decimal("5.13") + Decimal("1.67"))
        self.assertEqual(answer.total, Decimal("52.21"))

    def test_the_cheapest_carrier_that_takes_the_weight_is_chosen(self) -> None:
        answer = quote(PriceBook.load(Visitor()), [(self.tea, 10)], rates_by_country())
        self.assertEqual((answer.shipping, answer.carrier), (Decimal("3.50"), "Slow"))

    def test_an_empty_cart_costs_nothing(self) -> None:
        answer = quote(PriceBook.load(Visitor()), [], rates_by_country())
        self.assertEqual((answer.total, answer.lines), (Decimal("0.00"), ()))

    def test_refuses_unknown_countries_and_heavy_parcels(self) -> None:
        rates = rates_by_country()
        with self.assertRaises(UnknownCountry):
            quote(PriceBook.load(Visitor(country="XX")), [(self.tea, 1)], rates)
        with self.assertRaises(TooHeavy):
            quote(PriceBook.load(Visitor()), [(self.pot, 99)], rates)
