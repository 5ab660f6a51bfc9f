"""Explaining why a network decided as it did."""
