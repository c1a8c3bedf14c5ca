"""Training of the shipped models: what `impasto train` runs."""
