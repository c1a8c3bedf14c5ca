"""The broker: it owns the sockets, the queue and the workers, and nothing that could hang or crash."""

from __future__ import annotations

import functools
import logging
import math
import secrets
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import psutil
import zmq

from impasto.compute.memory import whole_memory
from impasto.engines.registry import settled
from impasto.masking.models import check_mask_model
from impasto.server.door import Door
from impasto.server.doorman import Doorman
from impasto.server.gate import Gate
from impasto.server.jobs import MAX_WAITING, Job, JobQueue, KeptResults, is_quick
from impasto.server.logs import keep_log_short
from impasto.server.memory import Memory
from impasto.server.options import BrokerOptions, RemoteAccess
from impasto.server.questions import QUESTIONS
from impasto.server.workers import WORKER, WorkerProcess
from impasto.zoo.library import Library
from impasto_link import __version__, codec
from impasto_link.discovery import ServerInfo
from impasto_link.errors import BadRequest, ImpastoError, UnknownOperation, WorkerDied, quoted
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pieces import Message
from impasto_link.shared import SharedFolder
from impasto_link.transport import USERNAME

log = logging.getLogger(__name__)

#: How often the broker looks after workers and clients, in seconds.
TICK = 0.25
#: Every client with work under way hears from the server this often; it is how a lost one is noticed.
PULSE = 1.0
#: How often it is looked whether a client has read what it was sent, if more waits for it.
LOOK_AGAIN = 0.05
#: Clients are told of new places in the queue at most this often.
PLACES_EVERY = 0.5
#: How often the broker sees to its surroundings: see `_sweep`.
SWEEP = 10.0
#: A client that was not there for this long has lost its jobs. With the pulse before it: within 3 seconds.
LOST_AFTER = 1.5
#: A worker that does not obey a cancellation for this long is stuck and is replaced. It looks for one after about a
#: second of computing; the rest is for machines that are slow, or busy with something else.
STUCK_AFTER = 30.0

_DIED = WorkerDied(
    "The process that painted ended in the middle of the work.",
    "It was started again: try once more. If it ends again, the picture may need more memory.",
)

#: Of these events the newest is enough for who has not read the one before.
_REPLACED = frozenset({"accepted", "pulse"})


class Broker:
    """Runs until it is told to stop, or nobody has needed it for a long time."""

    def __init__(self, options: BrokerOptions) -> None:
        self.options = options
        self.library = Library()
        self.queue = JobQueue()
        self.kept = KeptResults()
        self.running: dict[str, WorkerProcess] = {}
        self._lost_since: dict[bytes, float] = {}
        #: What sends clients more when they have read what they were sent before.
        self._postponed: dict[bytes, deque[Callable[[], None]]] = {}
        self._stopping = False
        self._wait = TICK
        self.started_at = self._used_at = self._pulsed_at = self._swept_at = self._placed_at = time.monotonic()
        self._places_changed = False
        #: A single message may take half of the memory.
        self._most_bytes = whole_memory() // 2
        self.operations: dict[str, Callable[[bytes, codec.Header, Message], None]] = {
            **dict.fromkeys(QUESTIONS, self._on_question),
            "stylize": self._on_job,
            "mask": self._on_job,
            "preview": self._on_job,
            "cancel": self._on_cancel,
            "fetch": self._on_fetch,
            "received": self._on_received,
            "shutdown": self._on_shutdown,
        }

        self._gate = Gate()
        self.memory = Memory()
        self._context = zmq.Context()
        self._doorman = Doorman(self._context)
        token, worker_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        #: A client is known by the number of the door through which it came in, and its name there.
        self._fronts = [self._front(0)]
        endpoint = self._bind_local(self._fronts[0], USERNAME, token)
        if options.remote is not None:
            self._fronts.append(self._front(1))
            self._bind_remote(self._fronts[1], options.remote)
        self._back = Door(self._context, refused=self._replace_who_said, most_waiting=math.inf)
        worker_endpoint = self._bind_local(self._back, WORKER, worker_token)
        self.shared = SharedFolder.create() if options.shared_memory else None
        self._spawn = lambda device: WorkerProcess(
            device, worker_endpoint, worker_token, options.unload_after, self.shared, options.memory
        )
        self.workers = [self._spawn(device) for device in options.devices]
        self.info = ServerInfo(endpoint, token, psutil.Process().pid, __version__, codec.PROTOCOL)

    def _front(self, number: int) -> Door:
        return Door(self._context, lambda peer, header, nbytes: self._admit(bytes([number]) + peer, header, nbytes))

    def _bind_local(self, door: Door, user: str, token: str) -> str:
        """Let in who knows the token; returns the endpoint."""
        self._doorman.let_in_with_password(door.socket, user, token)
        return self._gate.bind(door.socket, "127.0.0.1")

    def _bind_remote(self, door: Door, remote: RemoteAccess) -> None:
        socket = door.socket
        self._doorman.let_in_with_key(socket, remote.server_secret, remote.client_public)
        # A network can go away without a word, which the kernel of this machine would notice after hours.
        socket.heartbeat_ivl = 1000
        socket.heartbeat_timeout = 3000
        for host in remote.hosts:
            log.info("listening for other machines at %s", self._gate.bind(socket, host, remote.port))

    # --- the loop

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
                if not _safely(self._turn, poller):
                    # Whatever is missing, it may be there in a moment; not to be asked for without a pause.
                    time.sleep(TICK)
        finally:
            self._shut_down()

    def _turn(self, poller: zmq.Poller) -> None:
        """One turn of the loop. Whatever goes wrong in a part of it, the others go on."""
        poller.poll(int(self._wait * 1000))
        _safely(self._gate.look, poller)
        _safely(self._doorman.answer)
        for number, front in enumerate(self._fronts):
            _safely(self._let_in, front, bytes([number]), self._from_client)
        _safely(self._let_in, self._back, b"", self._from_worker)
        with self._gate.reserve():
            for look in (self._look_after_workers, self._look_after_clients, self._dispatch, self._tell_places):
                _safely(look)
        self._wait = min(TICK, *(door.flush() for door in self._doors))
        if self._postponed:
            _safely(self._send_postponed)
            self._wait = min(self._wait, LOOK_AGAIN)

    @property
    def _doors(self) -> list[Door]:
        return [*self._fronts, self._back]

    def _publish(self) -> None:
        """Say how the server is reached; and again, where somebody has taken that away or written something else."""
        file = self.options.runtime_file
        if file is not None and not self.info.is_in(file):
            self.info.write(file)

    def stop(self) -> None:
        """End the loop at its next turn; may be called from a signal handler."""
        self._stopping = True

    def _let_in(self, door: Door, prefix: bytes, handle: Callable[[bytes, Message], None]) -> None:
        for peer, message in door.receive():
            _safely(handle, prefix + peer, message)

    def _shut_down(self) -> None:
        log.info("stopping")
        if self.options.runtime_file is not None:
            _safely(functools.partial(self.options.runtime_file.unlink, missing_ok=True))
        for job in self._jobs():
            _safely(self._fail, job, WorkerDied("The server was stopped."))
        for worker in self.workers:
            _safely(worker.stop)
        if self.shared is not None:
            _safely(self.shared.remove)
        for door in self._doors:
            _safely(door.flush)
            door.socket.close()
        self._doorman.socket.close()
        self._gate.close()
        self._context.term()

    # --- messages of clients

    def _admit(self, client: bytes, header: memoryview, nbytes: int) -> None:
        """Let a large message come, or refuse it before it does."""
        try:
            if nbytes > self._most_bytes:
                raise BadRequest(f"The message has {nbytes} bytes; at most {self._most_bytes} are taken.")
            # What is half here waits, too.
            halves = sum(front.room() for front in self._fronts)
            self.queue.check_room(client, nbytes, self._fronts[client[0]].room(client[1:]), halves)
        except ImpastoError as error:
            self._tell(client, codec.decode_header(header).get("id"), "failed", **error.to_wire())
            raise

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
            operation = self.operations.get(str(header.get("op")))
            if operation is None:
                raise UnknownOperation(f"The server does not know the operation {quoted(header.get('op'))}.")
            with self._gate.reserve():
                operation(client, header, frames)
        except ImpastoError as error:
            log.info("refused a message: %s", error)
            self._tell(client, call_id, "failed", **error.to_wire())
        except Exception as error:
            # Nobody should wait for an answer that never comes.
            log.exception("a message could not be handled")
            unexpected = ImpastoError(f"Something unexpected went wrong: {quoted(error)}", "The server's log has more.")
            self._tell(client, call_id, "failed", **unexpected.to_wire())

    def _on_question(self, client: bytes, header: codec.Header, frames: Message) -> None:
        message = [codec.pack({"event": "done", "id": header["id"], **QUESTIONS[header["op"]](self, client, header)})]
        if self._has_room(client, message):
            self._send(client, message)
        elif len(self._postponed.get(client, ())) < MAX_WAITING:
            self._postpone(client, functools.partial(self._on_question, client, header, []))

    def shared_with(self, client: bytes) -> SharedFolder | None:
        """The folder in shared memory, for a client on this machine."""
        return self.shared if client[0] == 0 else None

    def _on_shutdown(self, client: bytes, header: codec.Header, frames: Message) -> None:
        self._tell(client, header["id"], "done")
        self.stop()

    def _on_fetch(self, client: bytes, header: codec.Header, frames: Message) -> None:
        """A client has come back and asks for its job: its result, or to hear of it from now on."""
        job = self._job(header["id"])
        if job is not None:
            if job.id in self.running:
                job.client = client
            else:
                self.queue.hand_over(job, client)
            job.sees_shared = header.get("shared") is True
            job.wanted_again = job.cancelled_at is not None
            self._tell(client, job.id, "accepted", place=self._place(job))
        else:
            self._postpone(client, functools.partial(self._send_kept, client, header["id"]))

    def _job(self, job_id: str) -> Job | None:
        """The job of that id that waits or is worked on."""
        worker = self.running.get(job_id)
        return worker.jobs[job_id] if worker is not None else self.queue.find(job_id)

    def _place(self, job: Job) -> int:
        """How many jobs come before it."""
        return 0 if job.id in self.running else list(self.queue).index(job) + len(self.running)

    def _postpone(self, client: bytes, send: Callable[[], None]) -> None:
        self._postponed.setdefault(client, deque()).append(send)

    def _send_postponed(self) -> None:
        """Send more to who has read what he was sent before."""
        for client, more in list(self._postponed.items()):
            if not self._fronts[client[0]].has_something_for(client[1:]):
                send = more.popleft()
                if not more:
                    del self._postponed[client]
                _safely(send)

    def _send_kept(self, client: bytes, job_id: str) -> None:
        """Send the result of a job to a client, or say that it is not there any more."""
        kept = self.kept.find(job_id)
        try:
            if kept is None:
                raise BadRequest("It was given to its client, or nobody has asked for it for too long.")
            header = codec.decode_header(kept[0])
            regions = codec.decode_regions(header, kept[1:], self.shared.look if self.shared else None)
        except BadRequest:
            # Or the client has taken it out of shared memory, but what for we cannot know.
            self._tell(client, job_id, "unknown")
        else:
            # To somebody else, perhaps, who does not see the folder. It happens once in a while, so all of it is sent.
            self._send(client, codec.encode(header, regions))

    def _on_received(self, client: bytes, header: codec.Header, frames: Message) -> None:
        self.kept.drop(str(header.get("job")))

    def _on_job(self, client: bytes, header: codec.Header, frames: Message) -> None:
        job_id = header["id"]
        known = self._job(job_id)
        if known is not None:
            if known.client == client:
                raise BadRequest(f"There is a job with the id {job_id} already.")
            # Sent again over another connection, before what had been sent over the one that broke was read.
            self._on_fetch(client, header, [])
            return
        options = _read_options(header)
        shared = self.shared_with(client)
        regions = codec.decode_regions(header, frames[1:], shared.look if shared else None)
        if "pixels" not in regions:
            raise BadRequest("The request has no pixels.")
        if shared is None and header.get("shared") is True:
            # It would be sent the name of a file that it cannot see.
            frames = [codec.pack({**header, "shared": False}), *frames[1:]]
        preview = header["op"] == "preview"
        # What comes in a row is a batch, however small its pictures are: of these only the first one hurries.
        hurries = preview or options.max_side is not None or not any(job.client == client for job in self._jobs())
        quick = hurries and is_quick(options, {kind: one.format for kind, one in regions.items()})
        job = Job(job_id, client, list(frames), options.device, preview, quick, codec.shared_frames(header))
        job.sees_shared = header.get("shared") is True
        for worker in self.workers:
            if worker.state == "broken" and not worker.rests_for:
                worker.start()
        self._provide_for(job)
        replaced = self.queue.add(job)
        if replaced is not None:
            self._tell(client, replaced.id, "cancelled", message="A newer preview took its place.")
        job.told_place = self.queue.place_of_last(job) + len(self.running)
        self._tell(client, job_id, "accepted", place=job.told_place)

    def _provide_for(self, job: Job) -> None:
        """See to it that there is a worker for the job's device, or say why there cannot be one."""
        # What a worker on "auto" will be is known when it is ready; then the waiting jobs are looked at again.
        fit = [worker for worker in self.workers if worker.device == "auto" or job.may_run_on(worker.device)]
        if any(worker.state != "broken" for worker in fit):
            return
        if fit or not self.workers:
            rest = min((worker.rests_for for worker in fit), default=0.0)
            raise WorkerDied(
                "The worker does not start.",
                "The end of the server's log says why: impasto status. "
                f"What is sent in {max(1, round(rest))} seconds has it started once more.",
            )
        if job.device != "cpu":
            names = ", ".join(worker.device for worker in self.workers)
            raise BadRequest(f"This server has no device {job.device}; it has {names}.", "Use --device auto.")
        self.workers.append(self._spawn("cpu"))

    def _on_cancel(self, client: bytes, header: codec.Header, frames: Message) -> None:
        self._cancel(header["id"], keep=header.get("keep") is True)

    def _cancel(self, job_id: str, *, keep: bool = False) -> None:
        job = self.queue.find(job_id)
        if job is not None:
            self.queue.remove(job)
            self._places_changed = True
            self._tell(job.client, job_id, "cancelled")
        elif job_id in self.running:
            worker = self.running[job_id]
            job = worker.jobs[job_id]
            if job.cancelled_at is None:
                if not keep:
                    job.cancelled_at = time.monotonic()
                job.words.append([codec.pack({"op": "cancel", "id": job_id, "keep": keep})])
                self._pass_on_words(worker, job)

    def _pass_on_words(self, worker: WorkerProcess, job: Job) -> None:
        while job.has_begun and job.words:
            self._to_worker(worker, job.words.pop(0))

    def _jobs(self) -> Iterator[Job]:
        """All jobs that have not ended."""
        yield from self.queue
        for worker in self.workers:
            yield from worker.jobs.values()

    # --- messages of workers

    def _from_worker(self, identity: bytes, frames: Message) -> None:
        worker = self._worker(identity)
        if worker is None:
            return
        try:
            worker.heard()
            self._hear(worker, codec.decode_header(frames[0]), frames[1:])
        except Exception as error:
            self._replace_who_said(identity, error)

    def _worker(self, identity: bytes) -> WorkerProcess | None:
        return next((one for one in self.workers if one.identity == identity), None)

    def _replace_who_said(self, identity: bytes, error: Exception) -> None:
        worker = self._worker(identity)
        if worker is not None:
            log.error("the worker on %s cannot be understood and is replaced: %s", worker.device, error, exc_info=error)
            worker.kill()

    def _hear(self, worker: WorkerProcess, header: codec.Header, frames: Message) -> None:
        """Do what a message of a worker is about."""
        event = header.get("event")
        if event == "ready":
            worker.ready(header["stats"])
            self._refuse_what_cannot_run()
            return
        if event == "stats":
            worker.stats = header["stats"]
            return
        job = worker.jobs.get(str(header.get("id")))
        if job is None:
            return
        job.message = []
        self._pass_on_words(worker, job)
        if event == "began":
            return
        final = event in ("done", "failed", "cancelled")
        if final:
            worker.stats = header.pop("stats", worker.stats)
            worker.finish(job, float(header.get("seconds", 0.0)), leaves=header.pop("leaves", False) is True)
            del self.running[job.id]
            log.info("job %s %s after %.2f s", job.id, event, time.monotonic() - job.accepted_at)
            self._used_at = time.monotonic()
        if event == "cancelled":
            self._tell_cancelled(job)
            return
        message = [codec.pack(header), *frames]
        if event == "done":
            # What was sent to somebody who has just gone is lost without a word, so only the client can say that it
            # has its result.
            self.kept.keep(job.id, message, codec.shared_frames(header))
        hidden = bool(codec.shared_frames(header)) and not job.sees_shared
        if event == "done" and (hidden or not self._has_room(job.client, message)):
            self._postpone(job.client, functools.partial(self._send_kept, job.client, job.id))
        else:
            self._send(job.client, message, None if final else (job.id, event))

    def _refuse_what_cannot_run(self) -> None:
        """Once the workers know their devices, fail waiting jobs whose device turned out not to exist."""
        for job in list(self.queue):
            try:
                self._provide_for(job)
            except ImpastoError as error:
                self.queue.remove(job)
                self._fail(job, error)

    def _to_worker(self, worker: WorkerProcess, frames: Message) -> bool:
        reached = self._back.send(worker.identity, frames)
        if not reached:
            log.warning("the worker on %s cannot be reached", worker.device)
        return reached

    # --- what has to be looked after

    def _dispatch(self) -> None:
        # What is let in between delays another job, so first to those that have none.
        for worker in sorted(self.workers, key=lambda worker: worker.state != "idle"):
            if worker.state != "idle" and not worker.lets_in():
                continue
            job = self.queue.take(worker.device, quick_only=worker.state != "idle")
            if job is None:
                continue
            worker.begin(job)
            job.tries += 1
            self.running[job.id] = worker
            self._places_changed = True
            worker.heard()
            if not self._to_worker(worker, job.message):
                # The job goes on with the end of the worker, instead of waiting for ever.
                worker.kill()

    def _tell_places(self) -> None:
        """Tell the clients of waiting jobs how many are before theirs, where that is news."""
        now = time.monotonic()
        if not self._places_changed or now - self._placed_at < PLACES_EVERY:
            return
        self._places_changed, self._placed_at = False, now
        for place, job in enumerate(self.queue, start=len(self.running)):
            if job.has_moved(place):
                job.told_place = place
                self._tell(job.client, job.id, "accepted", place=place)

    def _look_after_workers(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            stuck = [job for job in worker.jobs.values() if job.cancelled_at and now - job.cancelled_at > STUCK_AFTER]
            if worker.killed:
                pass
            elif stuck:
                log.error("the worker on %s does not stop job %s and is replaced", worker.device, stuck[0].id)
                worker.kill()
            elif worker.stands_still():
                log.error("the worker on %s stands still and is replaced", worker.device)
                worker.kill()
            if worker.has_ended():
                self._replace(worker)

    def _replace(self, worker: WorkerProcess) -> None:
        """Start a worker that has ended again, and see to the jobs that it had."""
        status = worker.process.returncode if worker.process else "unknown"
        level = logging.INFO if worker.state == "leaving" else logging.ERROR
        log.log(level, "the worker on %s ended with status %s", worker.device, status)
        for job in list(worker.jobs.values()):
            del worker.jobs[job.id], self.running[job.id]
            if job.may_be_tried_again:
                self.queue.put_back(job)
            elif job.cancelled_at:
                self._tell_cancelled(job)
            else:
                self._fail(job, _DIED)
        # It may have ended in the middle of a result, for which there is room already.
        self._back.forget(worker.identity)
        worker.restart()
        if worker.state == "broken":
            self._refuse_what_cannot_run()

    def _look_after_clients(self) -> None:
        now = time.monotonic()
        if now - self._pulsed_at >= PULSE:
            self._pulsed_at = now
            keep_log_short()
            self.kept.expire()
            if now - self._swept_at >= SWEEP:
                self._swept_at = now
                for see in (self._publish, self._sweep):
                    _safely(see)
            working = {job.client for job in self._jobs()}
            sending = {bytes([number]) + peer for number, front in enumerate(self._fronts) for peer in front.senders}
            for client in working | sending:
                self._tell(client, None, "pulse")
        for client, since in list(self._lost_since.items()):
            if now - since < LOST_AFTER:
                continue
            # Once more: it may have come back since the last pulse.
            del self._lost_since[client]
            if self._tell(client, None, "pulse"):
                continue
            del self._lost_since[client]
            self._fronts[client[0]].forget(client[1:])
            self._postponed.pop(client, None)
            for job in list(self._jobs()):
                if job.client == client:
                    log.info("job %s lost its client", job.id)
                    self._cancel(job.id)
        idle = now - self._used_at
        if self.options.exit_after and idle > self.options.exit_after and not self.running and not len(self.queue):
            log.info("nobody needed the server for %.0f s", idle)
            self.stop()

    def _sweep(self) -> None:
        """See to what nobody needs any more, in shared memory and in our own."""
        if self.shared is not None:
            jobs = self._jobs()
            self.shared.sweep({name for one in [*jobs, *self.kept] for name in one.shared})
        self.memory.give_back()

    # --- answers

    def _fail(self, job: Job, error: ImpastoError) -> None:
        self._tell(job.client, job.id, "failed", **error.to_wire())

    def _tell_cancelled(self, job: Job) -> None:
        # A client that was thought lost has not asked for that: what is unknown it sends again.
        self._tell(job.client, job.id, "unknown" if job.wanted_again else "cancelled")

    def _tell(self, client: bytes, call_id: object, event: str, **fields: Any) -> bool:
        message = [codec.pack({"event": event, "id": call_id, **fields})]
        return self._send(client, message, (call_id, event) if event in _REPLACED else None)

    def _has_room(self, client: bytes, message: Message) -> bool:
        return self._fronts[client[0]].has_room(client[1:], message)

    def _send(self, client: bytes, frames: Message, key: Hashable = None) -> bool:
        """Send to a client; False, and remembered, if it is not there."""
        if not self._fronts[client[0]].send(client[1:], frames, key):
            self._lost_since.setdefault(client, time.monotonic())
            return False
        self._lost_since.pop(client, None)
        return True


def _read_options(header: codec.Header) -> StylizeOptions | MaskOptions:
    """What a job is to be done with; raises BadRequest if there is no such engine, network or value."""
    options = MaskOptions.from_wire(header) if header["op"] == "mask" else settled(StylizeOptions.from_wire(header))
    check_mask_model(options.mask_model)
    return options


def _safely(do: Callable[..., object], *arguments: Any) -> bool:
    """Do a part of the work, and say whether it went well; if not, that is logged, and the rest of the work goes on."""
    try:
        do(*arguments)
    except Exception:
        log.exception("the server goes on after an error")
        return False
    return True
