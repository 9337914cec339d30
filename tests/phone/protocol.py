"""The device's side of the adb protocol over TCP: what adbd is on a phone.

Knows: CNXN, AUTH, OPEN, OKAY, WRTE, CLSE; streams with one acknowledgement a packet; the services
``shell`` (v1 and v2), ``exec``, ``sync``, ``reboot`` and ``root``; and its faults: cable pulled,
unauthorized, offline, a service that is refused. Does not know: Android (`android` is told what is
asked and answers). Format facts: system/core/adb/protocol.txt and SERVICES.TXT of AOSP. The adb of
Debian 12 (29.0.6) and of Google (36.0.0) were both seen to work with it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import threading
from collections.abc import Callable
from typing import Literal, Protocol

CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (
    int.from_bytes(name, "little")
    for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
VERSION = 0x01000001
MAX_DATA = 256 * 1024  # bytes in a packet
HEADER = struct.Struct("<6I")  # command, two arguments, length, checksum, magic
AUTH_TOKEN = 1
# No sendrecv_v2 and no delayed_ack: adb then falls back to what older phones do.
FEATURES = "shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir"

Behaviour = Literal["ready", "unauthorized", "offline"]


class Closed(Exception):
    """The other side is gone."""


class Stream:
    """One adb stream: blocking reads and acknowledged writes, for one service thread."""

    def __init__(self, connection: Connection, local: int, remote: int) -> None:
        self.connection, self.local, self.remote = connection, local, remote
        self.inbox: queue.Queue[bytes | None] = queue.Queue()
        self.acknowledged = threading.Semaphore(0)
        self.closed = False
        self._buffer = b""
        self._writing = threading.Lock()

    def write(self, data: bytes) -> None:
        """Send ``data`` in packets, each acknowledged; raises `Closed`."""
        with self._writing:
            for start in range(0, len(data), self.connection.max_data):
                if self.closed:
                    raise Closed
                packet = data[start : start + self.connection.max_data]
                self.connection.send(WRTE, self.local, self.remote, packet)
                self.acknowledged.acquire()
        if self.closed:
            raise Closed

    def read(self) -> bytes:
        """One packet, acknowledged; raises `Closed`."""
        data = self.inbox.get()
        if data is None:
            raise Closed
        self.connection.send(OKAY, self.local, self.remote)
        return data

    def read_exactly(self, count: int) -> bytes:
        """``count`` bytes; raises `Closed`."""
        while len(self._buffer) < count:
            self._buffer += self.read()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def shut(self) -> None:
        """Wake everybody who waits on this stream."""
        self.closed = True
        self.inbox.put(None)
        self.acknowledged.release()


Service = Callable[[Stream], None]


class Device(Protocol):
    """What a connection asks of the phone behind it."""

    behaviour: Behaviour

    def banner(self) -> bytes:
        """What the phone says of itself when it is connected."""

    def service(self, name: str) -> Service | None:
        """Who serves ``name``; None refuses it."""


class Connection(threading.Thread):
    """One connected adb server."""

    def __init__(self, device: Device, wire: socket.socket) -> None:
        super().__init__(daemon=True)
        self.device, self.wire = device, wire
        self.max_data = 4096
        self.streams: dict[int, Stream] = {}
        self._sending = threading.Lock()
        self._next = 1

    def send(self, command: int, first: int, second: int, data: bytes = b"") -> None:
        """Send one packet; raises `Closed`."""
        head = HEADER.pack(
            command, first, second, len(data), sum(data) & 0xFFFFFFFF, command ^ 0xFFFFFFFF
        )
        with self._sending:
            try:
                self.wire.sendall(head + data)
            except OSError as error:
                raise Closed from error

    def cut(self) -> None:
        """Pull the cable."""
        with contextlib.suppress(OSError):
            self.wire.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Handle packets until the cable is pulled."""
        try:
            while True:
                command, first, second, length, _, magic = HEADER.unpack(self._receive(24))
                if magic != command ^ 0xFFFFFFFF or length > MAX_DATA:
                    raise Closed
                self._handle(command, first, second, self._receive(length))
        except (Closed, OSError):
            pass
        finally:
            for stream in list(self.streams.values()):
                stream.shut()
            self.wire.close()

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self.wire.recv(count - len(data))
            if not part:
                raise Closed
            data += part
        return bytes(data)

    def _handle(self, command: int, first: int, second: int, data: bytes) -> None:
        if command in (CNXN, AUTH):
            if command == CNXN:
                self.max_data = min(second, MAX_DATA)
            if self.device.behaviour == "ready":
                self.send(CNXN, VERSION, MAX_DATA, self.device.banner())
            elif self.device.behaviour == "unauthorized" and (command, first) != (AUTH, 3):
                # A phone whose owner does not press "Allow" asks for a signature again and again,
                # and is silent once it was sent the public key (type 3).
                self.send(AUTH, AUTH_TOKEN, 0, b"\x11" * 20)
        elif command == OPEN:
            service = self.device.service(data.rstrip(b"\0").decode())
            if service is None:
                self.send(CLSE, 0, first)
                return
            stream = Stream(self, self._next, first)
            self._next += 1
            self.streams[stream.local] = stream
            self.send(OKAY, stream.local, stream.remote)
            threading.Thread(target=self._serve, args=(service, stream), daemon=True).start()
        elif second in self.streams:
            stream = self.streams[second]
            if command == WRTE:
                stream.inbox.put(data)
            elif command == OKAY:
                stream.acknowledged.release()
            elif command == CLSE:
                self.streams.pop(second).shut()
                self.send(CLSE, stream.local, stream.remote)

    def _serve(self, service: Service, stream: Stream) -> None:
        try:
            service(stream)
        except Closed:
            pass
        finally:
            stream.shut()
            if self.streams.pop(stream.local, None):
                with contextlib.suppress(Closed):
                    self.send(CLSE, stream.local, stream.remote)


class Socket:
    """Where a phone listens, on loopback alone; `cut` pulls the cable of everybody connected."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[Connection] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self._device, wire)
            self._connections.append(connection)
            connection.start()

    def cut(self) -> None:
        """Pull the cable. A genuine adb server plugs a TCP phone in again within a second."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.cut()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the blocked accept
        self._listener.close()
        self.cut()
