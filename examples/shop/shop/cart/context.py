"""What the head of every page shows. All of it is lazy: a page that shows less asks less."""

from typing import Any

from django.http import HttpRequest

from shop.cart.cart import Cart
from shop.catalog.models import Category


def storefront(request: HttpRequest) -> dict[str, Any]:
    def cart_size() -> int:
        return len(Cart(request.session))

    return {"shelves": Category.objects.filter(parent=None), "cart_size": cart_size}
