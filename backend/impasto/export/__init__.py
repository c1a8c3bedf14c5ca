"""Networks in the file formats of other programs, held to what Impasto itself paints."""
