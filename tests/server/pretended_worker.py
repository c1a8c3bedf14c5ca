"""A worker without networks, up at once, that does what the first style of a job is called. See `test_broker.py`."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import zmq

from impasto_link import codec


class PretendedWorker:
    def __init__(self) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, bytes.fromhex(os.environ["IMPASTO_WORKER_IDENTITY"]))
        self._socket.setsockopt(zmq.PLAIN_USERNAME, b"worker")
        self._socket.setsockopt(zmq.PLAIN_PASSWORD, os.environ["IMPASTO_WORKER_TOKEN"].encode())
        self._socket.connect(os.environ["IMPASTO_WORKER_ENDPOINT"])

    def say(self, event: str, **fields: Any) -> None:
        self._socket.send(codec.pack({"event": event, **fields}))

    def run(self) -> None:
        self.say("ready", stats={"device": "cpu"})
        while True:
            header = codec.decode_header(self._socket.recv_multipart()[0])
            if header["op"] != "cancel":
                self.work(header["id"], header["styles"][0][0])

    def work(self, job: str, doing: str) -> None:
        if doing == "die before it begins":
            os._exit(1)
        self.say("began", id=job)
        if doing == "answer nonsense":
            self._socket.send(b"\xc1")
        elif doing == "answer at too great length":
            self.say("failed", id=job, message="x" * (codec.MAX_HEADER + 1))
        elif doing == "stand still":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif doing == "take long":
            time.sleep(600)
        else:
            self.say("done", id=job, seconds=0, by=os.getpid())


def end_with_broker() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_broker, daemon=True).start()
    PretendedWorker().run()
