"""The product feed of one shelf as Atom, for price comparison sites (RFC 4287)."""

from io import StringIO

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.xmlutils import SimplerXMLGenerator

from shop.catalog.cards import Card, make_cards
from shop.catalog.models import Category, Product

ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 100


def product_feed(request: HttpRequest, slug: str) -> HttpResponse:
    shelf = get_object_or_404(Category, slug=slug)
    products = Product.objects.for_cards().filter(category=shelf).order_by("-added", "id")
    cards = make_cards(products[:MOST_ENTRIES], request.visitor)

    out = StringIO()
    xml = SimplerXMLGenerator(out, "utf-8")
    xml.startDocument()
    xml.startElement("feed", {"xmlns": ATOM})
    xml.addQuickElement("id", request.build_absolute_uri())
    xml.addQuickElement("title", shelf.name)
    if cards:
        xml.addQuickElement("updated", cards[0].product.added.isoformat())
    for card in cards:
        _write_entry(xml, request, card)
    xml.endElement("feed")
    xml.endDocument()
    return HttpResponse(out.getvalue(), content_type="application/atom+xml; charset=utf-8")


def _write_entry(xml: SimplerXMLGenerator, request: HttpRequest, card: Card) -> None:
    address = request.build_absolute_uri(card.product.get_absolute_url())
    xml.startElement("entry", {})
    xml.addQuickElement("id", address)
    xml.addQuickElement("title", card.product.name)
    xml.addQuickElement("link", attrs={"href": address})
    xml.addQuickElement("updated", card.product.added.isoformat())
    xml.startElement("author", {})
    xml.addQuickElement("name", card.product.brand.name)
    xml.endElement("author")
    xml.addQuickElement("summary", f"{card.price.asked} EUR. {card.product.description}")
    xml.endElement("entry")
