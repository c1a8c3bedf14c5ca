#!/bin/sh
# asyncio switches Nagle's algorithm off for every TCP connection: so is the common belief, and so it is where it opens the
# socket itself. One that it is given, as uvicorn's Server.run(sockets=...) gives it, has that only if it was made with
# its protocol by name: socket.create_server and socket.socket(family) leave 0 there, and asyncio asks for IPPROTO_TCP.
# uvicorn sends head and body in two pieces, so on a connection that stays each answer waits some 40 ms on Linux.
# Seen with uvicorn 0.54.0, CPython 3.11.7 and 3.13. Exits with 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
"$folder/venv/bin/python" - <<'PYTHON'
import http.client
import socket
import statistics
import sys
import threading
import time

import uvicorn


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def median_ms(listening: socket.socket) -> float:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    connection = http.client.HTTPConnection(*listening.getsockname())
    times = []
    for _ in range(25):
        began = time.perf_counter()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
        times.append(1000 * (time.perf_counter() - began))
    connection.close()
    server.should_exit = True
    thread.join()
    return statistics.median(times)


usual = socket.create_server(("127.0.0.1", 0))
named = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
named.bind(("127.0.0.1", 0))
named.listen()
protocols = usual.proto, named.proto
waits = median_ms(usual), median_ms(named)
print(f"uvicorn {uvicorn.__version__}, Python {sys.version.split()[0]}")
print(f"socket.create_server, protocol {protocols[0]}: {waits[0]:.1f} ms an answer")
print(f"socket with IPPROTO_TCP, protocol {protocols[1]}: {waits[1]:.1f} ms an answer")
sys.exit(not (waits[0] > 30 > 15 > waits[1]))
PYTHON
