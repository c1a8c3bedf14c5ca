"""Every Python that GIMP starts reads this. Where a proof says LINGER=SECONDS, its processes take so long to end."""

import atexit
import os
import time

atexit.register(time.sleep, float(os.environ.get("LINGER", 0)))
