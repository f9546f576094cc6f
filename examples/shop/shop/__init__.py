"""A small shop: catalogue, search, cart, prices, JSON API. It is the program being profiled."""
