"""Say what the server is doing: device, memory, queue, models."""

from __future__ import annotations

import argparse
import json
from contextlib import closing

from impasto.cli.running import connect_to_running
from impasto_link.discovery import log_file
from impasto_link.launch import names_remote

_OF_THE_MESSAGE = {"v", "id", "event", "frames"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(options: argparse.Namespace) -> int:
    client = connect_to_running()
    # Also of a server that has ended, or could not be started: it says why.
    log = str(log_file()) if log_file().exists() and not names_remote() else None
    if client is None:
        if options.json:
            print(json.dumps({"running": False, "log": log}))
        else:
            print("The server does not run.")
            if log:
                print(f"  log      {log}")
        return 1
    with closing(client):
        status = {key: value for key, value in client.ask("status").fields.items() if key not in _OF_THE_MESSAGE}
    if options.json:
        print(json.dumps({"running": True, **status, "log": log}, indent=2))
        return 0
    print(f"Impasto {status['version']}, process {status['pid']}, up {_duration(status['uptime_s'])}")
    print(f"  address  {status['endpoint']}")
    print(f"  queue    {status['jobs_running']} running, {status['jobs_waiting']} waiting")
    for worker in status["workers"]:
        print(f"  worker   {worker['device']} ({worker.get('name', 'starting')}), {worker['state']}")
        for label, now, peak in (
            ("memory", "memory_bytes", "peak_memory_bytes"),
            ("GPU", "gpu_memory_bytes", "peak_gpu_memory_bytes"),
        ):
            if now in worker:
                most = f", {_size(worker[peak])} at most" if peak in worker else ""
                print(f"  {label:8} {_size(worker[now])} now{most}")
        if "models" in worker:
            print(f"  models   {', '.join(worker['models']) or 'none loaded'}")
    if log:
        print(f"  log      {log}")
    return 0


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
