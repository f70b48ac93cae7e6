"""The addresses of this door."""
