"""What the guide (README.md) claims: the needless load, its fix, and that no code changed."""

import re
from pathlib import Path
from types import ModuleType
from unittest import mock

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.small_shop import SmallShopTestCase

MIDDLEWARE = Path(settings.BASE_DIR, "shop/middleware.py")
PATCH = Path(settings.BASE_DIR, "lazy-shipping-rates.patch")


class NeedlessLoadTest(SmallShopTestCase):
    def queries_of_a_page_without_delivery(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            Client().get("/nowhere/")
        return len(queries)

    def test_the_patch_removes_the_query_and_keeps_the_checkout(self) -> None:
        source = MIDDLEWARE.read_text(encoding="utf-8")
        patch = PATCH.read_text(encoding="utf-8")
        removed = "\n".join(re.findall(r"^-(?!--)(.*)$", patch, re.MULTILINE))
        added = "\n".join(re.findall(r"^\+(?!\+\+)(.*)$", patch, re.MULTILINE))
        if added not in source:
            self.assertEqual(source.count(removed), 1)
            self.assertEqual(self.queries_of_a_page_without_delivery(), 1)
            source = source.replace(removed, added)

        patched = ModuleType("patched")
        exec(compile(source, MIDDLEWARE, "exec"), patched.__dict__)
        name = "ShippingRatesMiddleware"
        with mock.patch(f"shop.middleware.{name}", getattr(patched, name)):
            self.assertEqual(self.queries_of_a_page_without_delivery(), 0)
            client = Client()
            client.post("/cart/add/", {"sku": "SH-00001"})
            self.assertGreater(client.get("/checkout/").context["quote"].shipping, 0)


class SourceTest(SmallShopTestCase):
    def test_the_shop_does_not_know_the_profiler(self) -> None:
        sources = [*Path(settings.BASE_DIR, "shop").rglob("*.py")]
        self.assertGreater(len(sources), 20)
        for source in sources:
            self.assertNotIn("pyrometer", source.read_text(encoding="utf-8"), source)
