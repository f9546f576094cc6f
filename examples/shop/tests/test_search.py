"""Search: words, ranking, suggestions, marked excerpts."""

from datetime import UTC, datetime
from decimal import Decimal
from unittest import TestCase as PlainTestCase

from django.test import TestCase
from shop.catalog.models import Brand, Category, Product
from shop.search.index import build, search, suggest
from shop.search.text import excerpt, terms


class TextTest(PlainTestCase):
    def test_terms_are_folded_stemmed_and_without_stop_words(self) -> None:
        text = "The CRÈME for Lanterns & cast-iron pots"
        self.assertEqual(terms(text), ["creme", "lantern", "cast-iron", "pot"])
        plurals = "kettles berries brushes boxes glasses brass bus"
        singulars = "kettle berry brush box glass brass bus"
        self.assertEqual(terms(plurals), singulars.split())
        self.assertEqual(terms("   ¡¿ \0"), [])

    def test_excerpt_starts_at_the_first_hit_and_marks_it(self) -> None:
        shown = excerpt("nought one two kettles, three four five", {"kettle"}, words=3)
        self.assertEqual(shown, "… <mark>kettles,</mark> three four …")

    def test_excerpt_escapes_the_text(self) -> None:
        self.assertEqual(excerpt("<b>pot</b> & pan", {"x"}), "&lt;b&gt;pot&lt;/b&gt; &amp; pan")


class SearchTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        shelf = Category.objects.create(name="Cookware", slug="cookware")
        brand = Brand.objects.create(name="Moor Mill", country="DE")
        for number, (name, description) in enumerate(
            (
                ("Steel Kettle", "Boils water."),
                ("Trivet", "Stands under a kettle of copper."),
                ("Copper Kettle", "Shines."),
                ("Wooden Spoon", "Stirs; never scratches a pan."),
            ),
            1,
        ):
            Product.objects.create(
                id=number, sku=str(number), slug=str(number), name=name, description=description,
                category=shelf, brand=brand, price=Decimal(1), weight_grams=1, stock=1,
                added=datetime(2025, 1, 1, tzinfo=UTC),
            )  # fmt: skip
        build(Product.objects.select_related("category", "brand"))

    def test_products_with_all_words_come_first_and_names_count_more(self) -> None:
        self.assertEqual(search("copper kettles").ids, [3, 2, 1])
        self.assertEqual(search("KETTLE").ids, [1, 3, 2])

    def test_a_rare_word_outweighs_a_common_one(self) -> None:
        self.assertEqual(search("spoon cookware").ids[0], 4)

    def test_every_product_of_a_shelf_or_brand_is_found_by_its_name(self) -> None:
        self.assertEqual(sorted(search("cookware").ids), [1, 2, 3, 4])
        self.assertEqual(sorted(search("moor").ids), [1, 2, 3, 4])

    def test_nothing_is_found_by_nothing(self) -> None:
        for query in ("", "the of", "%", "'; drop table", "zzz " * 1000):
            self.assertEqual(search(query).ids, [], query[:20])

    def test_suggests_near_words_only(self) -> None:
        self.assertEqual(suggest("coper ketle"), "copper kettle")
        self.assertIsNone(suggest("kettle"))
        self.assertIsNone(suggest("xylophone"))

    def test_page_marks_hits_and_offers_the_suggestion(self) -> None:
        self.assertContains(self.client.get("/search/?q=scratch"), "<mark>scratches</mark>")
        page = self.client.get("/search/?q=coper")
        self.assertContains(page, 'Did you mean <a href="?q=copper">')
        self.assertEqual(self.client.get("/search/").status_code, 200)
        self.assertContains(self.client.get("/search/?q=<script>"), "“&lt;script&gt;”")
