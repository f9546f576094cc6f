"""Finding products by words: an inverted index in the database, ranked in Python."""
