#!/bin/sh
# `from __future__ import annotations` changes nothing at run time that a program would notice: so is the common belief,
# and FastAPI reads such annotations. LitServe compares the annotation of decode_request with the class Request to see
# whether a form is meant; as a text it is not equal, and every form is answered with 500.
# Seen with litserve 0.2.19, Python 3.11. Exits with 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check litserve==0.2.19 python-multipart requests
cat >"$folder/plain.py" <<'PYTHON'
import sys

import litserve as ls
from fastapi import Request


class Api(ls.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request: Request):
        return len(request["file"].file.read())

    def predict(self, size):
        return size

    def encode_response(self, size):
        return {"bytes": size}


if __name__ == "__main__":
    ls.LitServer(Api(), accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
PYTHON
{ echo "from __future__ import annotations"; cat "$folder/plain.py"; } >"$folder/postponed.py"
cd "$folder"
venv/bin/python - <<'PYTHON'
import socket
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import requests


def status_of(program: str) -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, program, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(120):
            try:
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                    break
            except requests.ConnectionError:
                pass
            time.sleep(0.5)
        return requests.post(f"http://127.0.0.1:{port}/predict", files={"file": b"twelve bytes"}, timeout=60).status_code
    finally:
        os.killpg(server.pid, signal.SIGKILL)


seen = {program: status_of(program) for program in ("plain.py", "postponed.py")}
print(f"litserve {version('litserve')}")
for program, status in seen.items():
    print(f"{program}: {status}")
sys.exit(seen != {"plain.py": 200, "postponed.py": 500})
PYTHON
