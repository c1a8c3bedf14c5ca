"""Moving pictures while they happen: a camera, a file or the screen, painted in a window."""
