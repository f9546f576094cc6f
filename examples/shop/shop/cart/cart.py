"""The cart: sku → pieces, in the session. Prices are never kept in it, they are asked anew."""

from django.contrib.sessions.backends.base import SessionBase

from shop.catalog.models import Product

CART_KEY = "cart"
MOST_LINES = 50
MOST_PIECES = 99


class CartFull(ValueError):
    """Another line would be one too many."""


class Cart:
    """Reads and changes one session's cart. The session is saved only when a cart changed."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session
        self._pieces: dict[str, int] = dict(session.get(CART_KEY, {}))

    def __len__(self) -> int:
        """Pieces, not lines: the number beside the cart's sign."""
        return sum(self._pieces.values())

    def add(self, sku: str, count: int = 1) -> None:
        """Adds pieces of a product, up to `MOST_PIECES` of it."""
        self.put(sku, self._pieces.get(sku, 0) + count)

    def put(self, sku: str, count: int) -> None:
        """Sets the pieces of a product; none or fewer removes its line."""
        if count <= 0:
            self._pieces.pop(sku, None)
        elif sku not in self._pieces and len(self._pieces) >= MOST_LINES:
            raise CartFull(f"a cart holds at most {MOST_LINES} different products")
        else:
            self._pieces[sku] = min(count, MOST_PIECES)
        self._session[CART_KEY] = self._pieces

    def items(self) -> list[tuple[Product, int]]:
        """Products and pieces in the order they were added. What is no longer sold is left out."""
        products = Product.objects.for_cards().filter(sku__in=self._pieces)
        by_sku = {product.sku: product for product in products}
        return [(by_sku[sku], count) for sku, count in self._pieces.items() if sku in by_sku]
