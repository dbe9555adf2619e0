"""The whole way once, on data that needs no download."""
