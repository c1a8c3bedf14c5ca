"""The wire of Impasto: what a program needs to talk to the server, in any Python from 3.10 on, with nothing to install.

Imports neither torch nor numpy, and nothing of `impasto`, so that the plugins can carry it into their editors.
"""

__version__ = "0.1.0"
