"""The GIMP filter of Impasto: what `impasto_gimp.py` registers, and how it is done."""
