"""Frames that are painted without flicker: what is remembered of a sequence, and how things have moved."""
