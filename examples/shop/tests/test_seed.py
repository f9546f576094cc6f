"""Seeding: the same rows every time, and a second run changes nothing."""

import hashlib
from io import StringIO
from unittest import mock

from django.apps import apps
from django.core.management import call_command
from django.test import TestCase
from shop.catalog.models import Product
from shop.search.models import Posting
from shop.seeding import generate

from tests.small_shop import SMALL


def fingerprint() -> str:
    """A digest of every row of every table of the shop, but for the numbers of the index."""
    digest = hashlib.sha256()
    for model in apps.get_models():
        if not model.__module__.startswith("shop."):
            continue
        fields = [f.attname for f in model._meta.concrete_fields if f.attname != "id"]
        for row in model.objects.order_by("pk").values_list(*fields):
            digest.update(repr(row).encode())
    return digest.hexdigest()


class SeedTest(TestCase):
    def run_seed(self, *options: str) -> str:
        out = StringIO()
        with mock.patch("shop.catalog.management.commands.seed.Scale", lambda: SMALL):
            call_command("seed", *options, stdout=out)
        return out.getvalue()

    def test_seeding_twice_and_anew_gives_the_same_rows(self) -> None:
        self.assertIn("Seeded 60 products", self.run_seed())
        first = fingerprint()
        self.assertIn("already seeded", self.run_seed())
        self.assertEqual(fingerprint(), first)
        self.assertIn("Seeded 60 products", self.run_seed("--reset"))
        self.assertEqual(fingerprint(), first)

    def test_a_failed_seeding_leaves_nothing_behind(self) -> None:
        with (
            mock.patch.object(generate.index, "build", side_effect=OSError),
            self.assertRaises(OSError),
        ):
            self.run_seed()
        self.assertEqual(Product.objects.count(), 0)
        self.assertFalse(generate.is_seeded(SMALL))

    def test_ratings_beside_the_product_agree_with_the_reviews(self) -> None:
        self.run_seed()
        rated = Product.objects.filter(review_count__gt=0)
        self.assertGreater(len(rated), 10)
        for product in rated:
            given = [review.stars for review in product.reviews.all()]
            self.assertEqual(len(given), product.review_count)
            self.assertAlmostEqual(sum(given) / len(given), product.stars)
        self.assertGreater(Posting.objects.count(), 500)
