"""Rooms for the classroom."""
