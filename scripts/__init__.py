"""Commands, and what they share with the tests."""
