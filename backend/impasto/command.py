"""How this Python starts the server."""

import sys

#: With -P, or a file random.py in the folder where it starts would be Python's.
SERVER_COMMAND = (sys.executable, "-P", "-m", "impasto")
