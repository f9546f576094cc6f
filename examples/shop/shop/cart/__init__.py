"""The visitor's cart, kept in the session, and the quote at the checkout."""
