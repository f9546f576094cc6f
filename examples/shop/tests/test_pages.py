"""Every page and every API call, as a visitor sees them."""

import json
from decimal import Decimal
from xml.etree import ElementTree

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from shop.catalog.models import Brand, Category, Product
from shop.customers.models import Customer, Tier

from tests.small_shop import SMALL, SmallShopTestCase


class PagesTest(SmallShopTestCase):
    def get(self, path: str, status: int = 200) -> str:
        response = self.client.get(path)
        self.assertEqual(response.status_code, status, path)
        return response.content.decode()

    def test_home_shows_bestsellers_news_and_reviews(self) -> None:
        page = self.get("/")
        self.assertEqual(page.count('class="card"'), 16)
        self.assertEqual(page.count('class="review"'), 5)

    def test_a_top_shelf_shows_the_products_of_its_lower_shelves(self) -> None:
        shelf = Category.objects.get(slug="kitchen")
        product = Product.objects.filter(category__parent=shelf).order_by("name").first()
        page = self.get(shelf.get_absolute_url())
        self.assertIn(product.get_absolute_url(), page)
        for child in shelf.children.all():
            self.assertIn(child.get_absolute_url(), page)

    def test_sorting_by_price_sorts_by_price(self) -> None:
        response = self.client.get("/c/kitchen/?sort=-price")
        prices = [card.product.price for card in response.context["cards"]]
        self.assertEqual(prices, sorted(prices, reverse=True))
        self.assertGreater(len(prices), 1)

    def test_unknown_sorts_and_pages_fall_back(self) -> None:
        self.get("/c/kitchen/?sort=__class__&page=999999")
        self.get("/c/kitchen/?page=x")

    def test_product_page_shows_price_steps_and_reviews(self) -> None:
        product = Product.objects.order_by("-review_count").first()
        page = self.get(product.get_absolute_url())
        self.assertIn(product.name, page)
        self.assertIn("10 or more:", page)
        self.assertGreater(product.review_count, 0)
        self.assertIn(product.reviews.first().customer.name.replace("'", "&#x27;"), page)

    def test_pages_that_do_not_exist(self) -> None:
        for path in ("/c/none/", "/p/none/", "/feed/none.xml", "/nowhere/"):
            self.get(path, 404)

    def test_brands_are_cached_and_shared_by_visitors(self) -> None:
        first = self.get("/brands/")
        self.client.post("/sign-in/", {"number": "C000001"})
        with CaptureQueriesContext(connection) as queries:
            self.assertEqual(self.get("/brands/"), first)
        self.assertNotIn(Brand._meta.db_table, str(queries.captured_queries))

    def test_feed_is_atom_with_the_products_of_the_shelf(self) -> None:
        shelf = Category.objects.filter(products__isnull=False).first()
        feed = ElementTree.fromstring(self.get(reverse("feed", args=[shelf.slug])))
        entries = feed.findall("{http://www.w3.org/2005/Atom}entry")
        self.assertEqual(len(entries), shelf.products.count())


class CartTest(SmallShopTestCase):
    def test_cart_to_checkout(self) -> None:
        self.client.post("/cart/add/", {"sku": "SH-00001", "quantity": "2"})
        response = self.client.post("/cart/add/", {"sku": "SH-00001"}, follow=True)
        product, count, price, net = response.context["lines"][0]
        self.assertEqual((product.sku, count, net), ("SH-00001", 3, price.asked * 3))
        self.assertContains(response, "Cart (3)")
        answer = self.client.get("/checkout/?coupon=WELCOME10").context["quote"]
        self.assertEqual(answer.reduction_rule, "Welcome")
        self.assertGreater(answer.shipping, 0)
        self.client.post("/cart/put/", {"sku": "SH-00001", "quantity": "0"})
        self.assertContains(self.client.get("/cart/"), "It is empty.")

    def test_refuses_bad_changes(self) -> None:
        for path, form, status in (
            ("/cart/add/", {"sku": "none"}, 404),
            ("/cart/add/", {"sku": "SH-00001", "quantity": "many"}, 400),
            ("/sign-in/", {"number": "C999999"}, 404),
        ):
            self.assertEqual(self.client.post(path, form).status_code, status, path)
        self.assertEqual(self.client.get("/cart/add/").status_code, 405)
        strict = Client(enforce_csrf_checks=True)
        self.assertEqual(strict.post("/cart/add/", {"sku": "SH-00001"}).status_code, 403)

    def test_pieces_of_one_product_are_bounded(self) -> None:
        self.client.post("/cart/add/", {"sku": "SH-00001", "quantity": "9" * 30})
        self.assertEqual(self.client.session["cart"], {"SH-00001": 99})

    def test_looking_around_writes_no_session(self) -> None:
        for path in ("/", "/cart/", "/checkout/", "/search/?q=tea"):
            self.assertNotIn("sessionid", self.client.get(path).cookies, path)

    def test_a_gold_customer_pays_the_gold_price(self) -> None:
        customer = Customer.objects.filter(tier=Tier.GOLD).first()
        page = self.client.post("/sign-in/", {"number": customer.number}, follow=True)
        self.assertContains(page, "Hello, ")
        rules = {card.price.rule for card in page.context["newest"]}
        self.assertTrue(rules & {"Gold price", "Silver price"}, rules)


class ApiTest(SmallShopTestCase):
    def test_list_leads_through_every_product_once(self) -> None:
        skus: list[str] = []
        path = "/api/products/?page_size=25"
        while path:
            page = self.client.get(path).json()
            skus += [product["sku"] for product in page["results"]]
            path = page["next"]
        self.assertEqual(page["count"], SMALL.products)
        self.assertEqual(skus, list(Product.objects.order_by("id").values_list("sku", flat=True)))

    def test_detail(self) -> None:
        answer = self.client.get("/api/products/SH-00002/").json()
        product = Product.objects.get(sku="SH-00002")
        self.assertEqual(Decimal(answer["price"]["listed"]), product.price)
        self.assertEqual(len(answer["reviews"]), min(20, product.review_count))

    def test_categories(self) -> None:
        answer = self.client.get("/api/categories/").json()["results"]
        self.assertIn({"slug": "tea", "name": "Tea", "parent": "pantry"}, answer)

    def test_refuses_bad_lists(self) -> None:
        for query, status in (("page=x", 400), ("page_size=x", 400), ("page=999", 404)):
            answer = self.client.get(f"/api/products/?{query}")
            self.assertEqual(answer.status_code, status, query)
            self.assertIn("error", answer.json())
        self.assertEqual(self.client.get("/api/products/none/").status_code, 404)

    def quote(self, body: bytes) -> tuple[int, dict]:
        answer = self.client.post("/api/quote/", body, content_type="application/json")
        return answer.status_code, answer.json()

    def test_quote(self) -> None:
        asked = {"country": "FR", "lines": [{"sku": "SH-00003", "quantity": 12}]}
        status, answer = self.quote(json.dumps(asked).encode())
        self.assertEqual(status, 200)
        parts = [Decimal(answer[key]) for key in ("net", "shipping", "tax")]
        self.assertEqual(Decimal(answer["total"]), sum(parts) - Decimal(answer["reduction"]))

    def test_refuses_bad_quotes(self) -> None:
        for body in (
            b"",
            b"\xff",
            b"[]",
            b"null",
            b"[" * 100_000,
            b'{"lines": 3}',
            b'{"lines": [3]}',
            b'{"lines": [{"sku": "none"}]}',
            b'{"lines": [{"sku": "SH-00001", "quantity": 0}]}',
            b'{"lines": [{"sku": "SH-00001", "quantity": true}]}',
            b'{"lines": [{"sku": "SH-00001", "quantity": 1e400}]}',
            b'{"country": "XX", "lines": [{"sku": "SH-00001"}]}',
            b'{"lines": [{"sku": "SH-00001", "quantity": 1000}]}',  # too heavy for any carrier
        ):
            status, answer = self.quote(body)
            self.assertEqual(status, 400, body[:80])
            self.assertIn("error", answer)
