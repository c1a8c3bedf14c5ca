#!/bin/sh
# Ray Data streams: iter_rows gives a row as soon as its block is done, so is the common belief, and so a progress bar or a
# log on the driver is fed by it. It looks one block ahead: each row comes when the block after it is done, and the last
# two together. iter_batches without prefetching gives each block when it comes.
# Seen with ray 2.60.0, Python 3.11. Exits with 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "ray[data]==2.60.0"
RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import sys
import time

import ray
import ray.data

SECONDS = 2.0


def slowly(batch):
    time.sleep(SECONDS)
    return {"done": [time.time()] * len(batch["id"])}


def delays(rows_of) -> list[float]:
    """How long after its block was done each row came."""
    blocks = ray.data.range(4, override_num_blocks=4).map_batches(slowly, batch_size=None, concurrency=1)
    return [time.time() - done for done in rows_of(blocks)]


def by_rows(blocks):
    for row in blocks.iter_rows():
        yield row["done"]


def by_batches(blocks):
    for batch in blocks.iter_batches(batch_size=None, prefetch_batches=0):
        yield from batch["done"]


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
seen = {way.__name__: delays(way) for way in (by_rows, by_batches)}
print(f"ray {ray.__version__}, blocks of {SECONDS:g} s each; seconds from the end of a block to its row:")
for name, late in seen.items():
    print(f"{name}: {', '.join(f'{one:.1f}' for one in late)}")
ray.shutdown()
sys.exit(not (min(seen["by_rows"][:-1]) > SECONDS / 2 > max(seen["by_batches"])))
PYTHON
