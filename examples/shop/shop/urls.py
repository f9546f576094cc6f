"""Every address of the shop."""

from django.urls import path

from shop.cart import views as cart
from shop.catalog import api, feed
from shop.catalog import views as catalog
from shop.search import views as search

urlpatterns = [
    path("", catalog.home, name="home"),
    path("c/<slug:slug>/", catalog.category, name="category"),
    path("p/<slug:slug>/", catalog.product, name="product"),
    path("brands/", catalog.brands, name="brands"),
    path("search/", search.search_page, name="search"),
    path("feed/<slug:slug>.xml", feed.product_feed, name="feed"),
    path("cart/", cart.cart_page, name="cart"),
    path("cart/add/", cart.change, {"how": "add"}, name="cart-add"),
    path("cart/put/", cart.change, {"how": "put"}, name="cart-put"),
    path("checkout/", cart.checkout, name="checkout"),
    path("sign-in/", cart.sign_in, name="sign-in"),
    path("api/categories/", api.category_list, name="api-categories"),
    path("api/products/", api.product_list, name="api-products"),
    path("api/products/<str:sku>/", api.product_detail, name="api-product"),
    path("api/quote/", api.price_quote, name="api-quote"),
]
