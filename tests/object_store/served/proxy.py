"""A web server that passes everything on to another one, and misbehaves as it is told: slow, refusing, cutting off."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message><RequestId>0</RequestId></Error>"
)
_PER_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection", "expect"}


@dataclass(frozen=True)
class Asked:
    """A request that came, and what was answered (0: nothing whole)."""

    method: str
    path: str  # /bucket/key
    query: str
    status: int


@dataclass
class _Fault:
    """What is done to the next `left` requests, or until `until`, that are `method` and have `key` in their path."""

    kind: str  # slow_down | cut
    left: float = float("inf")
    until: float = float("inf")
    method: str | None = None
    key: str = ""
    after_bytes: int = 0

    def takes(self, method: str, path: str) -> bool:
        if self.left <= 0 or time.monotonic() >= self.until:
            return False
        return (self.method is None or self.method == method) and self.key in path


@dataclass
class FaultyProxy:
    """`endpoint` is what clients are given. All of it may be told at any time, from any thread.

    `method` and `key` (a part of `/bucket/key`) say which requests are meant; without them every one is.
    """

    upstream: str
    asked: list[Asked] = field(default_factory=list)
    _faults: list[_Fault] = field(default_factory=list)
    _delay_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: set[socket.socket] = field(default_factory=set)
    _listener: socket.socket | None = None
    _port: int = 0
    _closed: bool = False

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._port}"

    def slow_down(
        self, *, requests: int | None = None, seconds: float | None = None, method: str | None = None, key: str = ""
    ) -> None:
        """Answer 503 SlowDown to the next `requests`, or for `seconds`; without either until `heal`."""
        self._add(_Fault("slow_down", *_extent(requests, seconds), method, key))

    def cut(
        self,
        after_bytes: int,
        *,
        requests: int | None = None,
        seconds: float | None = None,
        method: str | None = None,
        key: str = "",
    ) -> None:
        """Send only `after_bytes` of the answer's body and then end the connection, though the length was promised."""
        self._add(_Fault("cut", *_extent(requests, seconds), method, key, after_bytes))

    def delay(self, seconds: float) -> None:
        """Let every request wait that long before it is passed on; 0: none."""
        self._delay_s = seconds

    def refuse(self, seconds: float) -> None:
        """Cut every connection and refuse new ones for `seconds`; this returns at once."""
        with self._lock:
            self._drop()
            held = _bound(self._port)  # the port stays ours, and refuses
            self._listener = None
        timer = threading.Timer(seconds, self._listen, [held])
        timer.daemon = True
        timer.start()

    def heal(self) -> None:
        """Forget what was told, but for a refusal that is under way."""
        with self._lock:
            self._faults.clear()
            self._delay_s = 0.0

    def count(self, method: str | None = None, key: str = "", *, status: int | None = None) -> int:
        """How many requests came; those that were refused a connection aren't known."""
        with self._lock:
            return sum(
                (method is None or one.method == method) and key in one.path and status in (None, one.status)
                for one in self.asked
            )

    def open(self) -> None:
        """Begin to listen, on a free port."""
        held = _bound(0)
        self._port = held.getsockname()[1]
        self._listen(held)

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            self._closed = True
            self._drop()

    def _add(self, fault: _Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def _fault_of(self, method: str, path: str) -> _Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.takes(method, path):
                    fault.left -= 1
                    return fault
        return None

    def _record(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def _listen(self, held: socket.socket) -> None:
        with self._lock:
            if self._closed:
                held.close()
                return
            held.listen(256)
            self._listener = held
        threading.Thread(target=self._accept, args=(held,), daemon=True, name="proxy").start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            with self._lock:
                self._live.add(connection)
            threading.Thread(target=self._serve, args=(connection, address), daemon=True, name="proxied").start()

    def _serve(self, connection: socket.socket, address: object) -> None:
        proxy = self
        with suppress(OSError, http.client.HTTPException):
            _Handler(connection, address, proxy)  # pyright: ignore[reportArgumentType]
        with self._lock:
            self._live.discard(connection)
        connection.close()

    def _drop(self) -> None:
        for one in [self._listener, *self._live]:
            if one is not None:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        if self._listener is not None:
            self._listener.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the upstream."""

    protocol_version = "HTTP/1.1"
    server: FaultyProxy  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upstream = http.client.HTTPConnection(urlsplit(self.server.upstream).netloc, timeout=120)

    def finish(self) -> None:
        self._upstream.close()
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def pass_on(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        method, path = self.command, unquote(url.path)
        body = self._body()
        time.sleep(self.server._delay_s)
        fault = self.server._fault_of(method, path)
        if fault is not None and fault.kind == "slow_down":
            self.server._record(Asked(method, path, url.query, 503))
            self._answer(503, [("Content-Type", "application/xml")], b"" if method == "HEAD" else _SLOW_DOWN)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _PER_HOP}
        self._upstream.request(method, self.path, body=body, headers=headers)
        answer = self._upstream.getresponse()
        content = answer.read()
        told = [(name, value) for name, value in answer.getheaders() if name.lower() not in _PER_HOP]
        if fault is not None:
            self.server._record(Asked(method, path, url.query, 0))
            self._answer(answer.status, told, content, cut=fault.after_bytes)
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.server._record(Asked(method, path, url.query, answer.status))
        length = answer.getheader("Content-Length") if method == "HEAD" else None
        self._answer(answer.status, told, content, length=length)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

    def _answer(
        self,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        *,
        length: str | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content if cut is None else content[:cut])
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy that listens, for `upstream` (`http://host:port`)."""
    proxy = FaultyProxy(upstream)
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.close()


def _bound(port: int) -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


def _extent(requests: int | None, seconds: float | None) -> tuple[float, float]:
    until = float("inf") if seconds is None else time.monotonic() + seconds
    return (float("inf") if requests is None else requests, until)
