"""The subject: which pixels belong to it, with soft edges."""
