"""The whole way once, on data that needs no download."""

MARKER = "demo.json"  # Marks a directory as a demonstration's output.
