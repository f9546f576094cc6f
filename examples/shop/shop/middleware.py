"""What every request carries beyond Django's own: the visitor, and the shipping rates."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from shop.customers.visitor import Visitor
from shop.pricing.shipping import rates_by_country

GetResponse = Callable[[HttpRequest], HttpResponse]


class VisitorMiddleware:
    """Sets `request.visitor`; the session is read when a view first asks who it is."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.visitor = SimpleLazyObject(lambda: Visitor.of_session(request.session))
        return self.get_response(request)


class ShippingRatesMiddleware:
    """Sets `request.shipping_rates`, the table from which the cart computes delivery."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.shipping_rates = rates_by_country()
        return self.get_response(request)
