"""Cart and checkout pages, and signing in. Every change is a POST with a CSRF token."""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from shop.cart.cart import Cart, CartFull
from shop.catalog.models import Product
from shop.customers.models import Customer
from shop.customers.visitor import CUSTOMER_KEY
from shop.pricing.engine import PriceBook, quote
from shop.pricing.shipping import TooHeavy
from shop.pricing.tax import RATES, UnknownCountry


@ensure_csrf_cookie
def cart_page(request: HttpRequest) -> HttpResponse:
    items = Cart(request.session).items()
    book = PriceBook.load(request.visitor)
    lines = []
    for product, count in items:
        price = book.price(product, count)
        lines.append((product, count, price, price.asked * count))
    subtotal = sum(line[-1] for line in lines)
    return render(request, "cart/cart.html", {"lines": lines, "subtotal": subtotal})


@require_POST
def change(request: HttpRequest, how: str) -> HttpResponse:
    """Adds pieces of a product to the cart (`how` is "add") or sets their number ("put")."""
    product = get_object_or_404(Product, sku=request.POST.get("sku", ""))
    cart = Cart(request.session)
    try:
        count = int(request.POST.get("quantity", "1"))
        if how == "add":
            cart.add(product.sku, count)
        else:
            cart.put(product.sku, count)
    except (CartFull, ValueError) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    return redirect("cart")


def checkout(request: HttpRequest) -> HttpResponse:
    """What the cart costs with tax and delivery. The demo ends here: nothing can be ordered."""
    book = PriceBook.load(request.visitor)
    context = {"countries": sorted(RATES), "coupon": request.GET.get("coupon", "")[:40]}
    try:
        items = Cart(request.session).items()
        context["quote"] = quote(book, items, request.shipping_rates, context["coupon"])
    except (UnknownCountry, TooHeavy) as error:
        context["problem"] = str(error)
    return render(request, "cart/checkout.html", context)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Makes the visitor the customer of that number. A demo: there is no password."""
    customer = get_object_or_404(Customer, number=request.POST.get("number", ""))
    request.session.cycle_key()
    request.session[CUSTOMER_KEY] = customer.number
    return redirect("home")
