"""The base of tests that need data: a seeded shop of a few dozen products."""

from django.core.cache import cache
from django.test import TestCase
from shop.seeding.generate import Scale, seed

SMALL = Scale(products=60, customers=40, reviews=200, orders=80)


class SmallShopTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        seed(SMALL)

    def setUp(self) -> None:
        cache.clear()
