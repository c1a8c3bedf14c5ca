"""Pixels: decoding and encoding, colour, alpha, resampling, picture files."""
