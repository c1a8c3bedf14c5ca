"""The broker: it owns the sockets, the queue and the workers, and nothing that could hang or crash."""

from __future__ import annotations

import functools
import logging
import secrets
import signal
import threading
import time

import psutil
import zmq

from impasto.compute.memory import whole_memory
from impasto.server.crew import Crew
from impasto.server.desk import Desk
from impasto.server.doorman import Doorman
from impasto.server.front import Front
from impasto.server.gate import Gate
from impasto.server.logs import keep_log_short
from impasto.server.memory import Memory
from impasto.server.operations import OPERATIONS, Question
from impasto.server.options import BrokerOptions
from impasto.server.safely import safely
from impasto.zoo.library import Library
from impasto_link import __version__, codec
from impasto_link.discovery import ServerInfo
from impasto_link.errors import BadRequest, ImpastoError, UnknownOperation, WorkerDied, quoted
from impasto_link.pieces import Message
from impasto_link.sentences import say
from impasto_link.shared import SharedFolder

log = logging.getLogger(__name__)

#: How often the broker looks after workers and clients, in seconds.
TICK = 0.25
#: Every client with work under way hears from the server this often; it is how a lost one is noticed.
PULSE = 1.0
#: How often the broker sees to its surroundings: see `_sweep`.
SWEEP = 10.0


class Broker:
    """Runs until it is told to stop, or nobody has needed it for a long time.

    Attributes:
        front: the clients.
        desk: their jobs.
        crew: the workers.
        library: the styles.
        info: how the server is reached.
        shared: the folder in shared memory, if there is one.
        memory: what the broker itself has.
        started_at: on the monotonic clock.
    """

    def __init__(self, options: BrokerOptions) -> None:
        self.options = options
        self.library = Library()
        self.memory = Memory()
        self._stopping = False
        self._wait = TICK
        self.started_at = self._used_at = self._pulsed_at = self._swept_at = time.monotonic()
        #: A single message may take half of the memory.
        self._most_bytes = whole_memory() // 2

        self._gate = Gate()
        self._context = zmq.Context()
        self._doorman = Doorman(self._context)
        token, worker_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.shared = SharedFolder.create() if options.shared_memory else None
        self.front = Front(self._context, self._gate, self._doorman, self._check_size)
        endpoint = self.front.open(token, options.remote)
        self.desk = Desk(self.front, self.shared)
        self.crew = Crew(
            self._context, self._gate, self._doorman, worker_token, options, self.shared, listener=self.desk
        )
        self.desk.crew = self.crew
        self._doors = [*self.front.doors, self.crew.door]
        self.info = ServerInfo(endpoint, token, psutil.Process().pid, __version__, codec.PROTOCOL)

    def run(self) -> None:
        """Serve until told to stop. Publishes the runtime file and takes it away at the end."""
        if threading.current_thread() is threading.main_thread():
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, lambda *_: self.stop())
        self._publish()
        log.info("listening at %s", self.info.endpoint)
        poller = zmq.Poller()
        for door in self._doors:
            poller.register(door.socket, zmq.POLLIN)
        poller.register(self._doorman.socket, zmq.POLLIN)
        try:
            while not self._stopping:
                if not safely(self._turn, poller):
                    # Whatever is missing, it may be there in a moment; not to be asked for without a pause.
                    time.sleep(TICK)
        finally:
            self._shut_down()

    def _turn(self, poller: zmq.Poller) -> None:
        """One turn of the loop. Whatever goes wrong in a part of it, the others go on."""
        poller.poll(int(self._wait * 1000))
        safely(self._gate.look, poller)
        safely(self._doorman.answer)
        self.front.receive(self._from_client)
        safely(self.crew.receive)
        with self._gate.reserve():
            for look in (
                self.crew.look_after,
                self._look_after_clients,
                self._end_if_idle,
                self.desk.dispatch,
                self.desk.tell_places,
            ):
                safely(look)
        self._wait = min(TICK, *(door.flush() for door in self._doors))
        safely(self.front.send_postponed)
        self._wait = min(self._wait, self.front.looks_again)

    def _publish(self) -> None:
        """Say how the server is reached; and again, where somebody has taken that away or written something else."""
        file = self.options.runtime_file
        if file is not None and not self.info.is_in(file):
            self.info.write(file)

    def stop(self) -> None:
        """End the loop at its next turn; may be called from a signal handler."""
        self._stopping = True

    def _shut_down(self) -> None:
        log.info("stopping")
        if self.options.runtime_file is not None:
            safely(functools.partial(self.options.runtime_file.unlink, missing_ok=True))
        for job in self.desk.jobs():
            safely(self.desk.fail, job, WorkerDied("The server was stopped."))
        self.crew.stop()
        if self.shared is not None:
            safely(self.shared.remove)
        for door in self._doors:
            safely(door.flush)
            door.socket.close()
        self._doorman.socket.close()
        self._gate.close()
        self._context.term()

    # --- messages of clients

    def _check_size(self, client: bytes, nbytes: int, here: int, halves: int) -> None:
        if nbytes > self._most_bytes:
            raise BadRequest(
                say(
                    "The message has {nbytes} bytes; at most {most_bytes} are taken.",
                    nbytes=nbytes,
                    most_bytes=self._most_bytes,
                )
            )
        # What is half here waits, too.
        self.desk.queue.check_room(client, nbytes, here, halves)

    def _from_client(self, client: bytes, frames: Message) -> None:
        call_id = None
        try:
            if not frames:
                raise BadRequest("The message is empty.")
            header = codec.decode_header(frames[0])
            call_id = header.get("id")
            if header.get("op") != "hello":
                # An editor that is open asks how the server is, again and again.
                self._used_at = time.monotonic()
            if header.get("op") not in codec.ANY_VERSION and header.get("v") != codec.PROTOCOL:
                raise codec.wrong_version(header.get("v"), codec.PROTOCOL, self.info.pid)
            if not isinstance(call_id, str) or not 0 < len(call_id) <= 64 or not call_id.isprintable():
                raise BadRequest("The message has no id.", "Send a text of at most 64 letters that is used only once.")
            with self._gate.reserve():
                self._do(client, header, frames)
        except ImpastoError as error:
            log.info("refused a message: %s", error)
            self.front.tell(client, call_id, "failed", **error.to_wire())
        except Exception as error:
            # Nobody should wait for an answer that never comes.
            log.exception("a message could not be handled")
            unexpected = ImpastoError(
                say("Something unexpected went wrong: {error}", error=quoted(error)), "The server's log has more."
            )
            self.front.tell(client, call_id, "failed", **unexpected.to_wire())

    def _do(self, client: bytes, header: codec.Header, frames: Message) -> None:
        operation = OPERATIONS.get(str(header.get("op")))
        if operation is None:
            raise UnknownOperation(
                say("The server does not know the operation {value}.", value=quoted(header.get("op")))
            )
        if not isinstance(operation, Question):
            self.desk.take(operation, client, header, frames)
            return
        self.front.answer(client, header["id"], lambda: operation.answer(self, client, header))

    # --- what has to be looked after

    def _look_after_clients(self) -> None:
        now = time.monotonic()
        if now - self._pulsed_at >= PULSE:
            self._pulsed_at = now
            keep_log_short()
            self.desk.kept.expire()
            if now - self._swept_at >= SWEEP:
                self._swept_at = now
                for see in (self._publish, self._sweep):
                    safely(see)
            for client in {job.client for job in self.desk.jobs()} | self.front.senders:
                self.front.tell(client, None, "pulse")
        for client in self.front.leases.ended():
            self.front.forget(client)
            self.desk.cancel_all_of(client)

    def _end_if_idle(self) -> None:
        idle = time.monotonic() - max(self._used_at, self.desk.used_at)
        if self.options.exit_after and idle > self.options.exit_after and not any(self.desk.jobs()):
            log.info("nobody needed the server for %.0f s", idle)
            self.stop()

    def _sweep(self) -> None:
        """See to what nobody needs any more, in shared memory and in our own."""
        if self.shared is not None:
            self.shared.sweep({name for one in [*self.desk.jobs(), *self.desk.kept] for name in one.shared})
        self.memory.give_back()
