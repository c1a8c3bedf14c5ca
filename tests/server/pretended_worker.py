"""A worker without networks, up at once, that does what the first style of a job is called. See `test_broker.py`."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

from impasto.server.workers import WORKER
from impasto_link import codec
from impasto_link.pieces import split
from impasto_link.pixels import Region
from impasto_link.transport import Transport
from impasto_link.zmq_transport import ZmqLine


class PretendedWorker:
    def __init__(self) -> None:
        endpoint, token = os.environ["IMPASTO_WORKER_ENDPOINT"], os.environ["IMPASTO_WORKER_TOKEN"]
        name = bytes.fromhex(os.environ["IMPASTO_WORKER_IDENTITY"])
        self._broker = Transport(lambda: ZmqLine(endpoint, token, name=name, user=WORKER))

    def say(self, event: str, regions: Mapping[str, Region] | None = None, **fields: Any) -> None:
        self._broker.send(codec.encode({"event": event, **fields}, regions))
        self._broker.flush()

    def run(self) -> None:
        self.say("ready", stats={"device": "cpu"})
        while True:
            message = self._broker.receive(None)
            assert message is not None
            header = codec.decode_header(message[0])
            if header["op"] != "cancel":
                self.work(header["id"], header["styles"][0][0], codec.decode_regions(header, message[1:]))

    def work(self, job: str, doing: str, sent: dict[str, Region]) -> None:
        if doing == "die before it begins":
            os._exit(1)
        self.say("began", id=job)
        if doing == "answer nonsense":
            self._broker.send([b"\xc1"])
            self._broker.flush()
        elif doing == "answer at too great length":
            self.say("failed", id=job, message="x" * (codec.MAX_HEADER + 1))
        elif doing == "stand still":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif doing == "give back":
            self.say("done", sent, id=job, seconds=0)
        elif doing == "take a moment":
            time.sleep(0.5)
            self.say("done", sent, id=job, seconds=0)
        elif doing == "show how far it is":
            for number in range(40):
                self.say("preview", sent, id=job, fraction=number / 40)
            self.say("done", sent, id=job, seconds=0)
        elif doing == "obey":
            self.wait_for_cancel(job)
            self.say("cancelled", id=job, seconds=0)
        elif doing == "break off":
            for piece in itertools.islice(split([b"header", bytes(1 << 20)], 1), 10):
                self._broker.send(piece)
            self._broker.flush()
            time.sleep(600)
        elif doing == "give back and leave":
            self.say("done", sent, id=job, seconds=0, leaves=True)
        elif doing == "take long":
            time.sleep(600)
        else:
            self.say("done", id=job, seconds=0, by=os.getpid())

    def wait_for_cancel(self, job: str) -> None:
        while True:
            message = self._broker.receive(None)
            assert message is not None
            header = codec.decode_header(message[0])
            if (header["op"], header["id"]) == ("cancel", job):
                return


def end_with_broker() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_broker, daemon=True).start()
    PretendedWorker().run()
