"""Finding, loading and keeping models."""
