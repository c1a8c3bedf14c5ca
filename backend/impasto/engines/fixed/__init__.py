"""The engine ``fixed``: trained feed-forward networks, one per bank."""
