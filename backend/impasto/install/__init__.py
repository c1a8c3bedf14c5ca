"""Putting the plugins into the editors of this user, and taking them out again."""
