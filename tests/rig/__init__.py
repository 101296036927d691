"""Real parts, doubles that break, and judges: README.md."""
