"""The proxy in front of the S3 server misbehaves as it is told, and otherwise not at all."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from served.proxy import FaultyProxy, faulty_proxy

CONTENT = bytes(range(256)) * 40


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Told", self.path)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(CONTENT)

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *args):
        pass


@pytest.fixture
def proxy() -> Iterator[FaultyProxy]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as upstream:
        upstream.daemon_threads = True
        Thread(target=upstream.serve_forever, daemon=True).start()
        with faulty_proxy(f"http://127.0.0.1:{upstream.server_port}") as proxy:
            yield proxy
        upstream.shutdown()


def ask(
    proxy: FaultyProxy, path: str = "/bucket/key", method: str = "GET", body: bytes | None = None
) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{proxy.endpoint}{path}", method=method, data=body)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def test_what_is_asked_and_answered_passes_as_it_is(proxy):
    assert ask(proxy) == (200, CONTENT)
    assert ask(proxy, "/bucket/a%20b?x=1", "PUT", b"abc") == (200, b"cba")
    assert [(one.method, one.path, one.query, one.status) for one in proxy.asked] == [
        ("GET", "/bucket/key", "", 200),
        ("PUT", "/bucket/a b", "x=1", 200),
    ]


def test_one_connection_serves_many_requests_of_every_kind(proxy):
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=20)
    connection.request("HEAD", "/b/k")
    answer = connection.getresponse()
    assert (answer.getheader("Content-Length"), answer.read()) == (str(len(CONTENT)), b"")
    chunked = {"Transfer-Encoding": "chunked"}
    connection.request("PUT", "/b/k", body=iter([b"ab", b"c"]), encode_chunked=True, headers=chunked)
    assert connection.getresponse().read() == b"cba"
    connection.request("GET", "/b/k")
    assert connection.getresponse().read() == CONTENT
    connection.close()


def test_so_many_requests_are_told_to_slow_down(proxy):
    proxy.slow_down(requests=2)
    first, second, third = ask(proxy), ask(proxy), ask(proxy)
    assert (first[0], second[0], third[0]) == (503, 503, 200)
    assert b"<Code>SlowDown</Code>" in first[1]
    assert (proxy.count(status=503), proxy.count(status=200)) == (2, 1)


def test_only_those_that_are_meant(proxy):
    proxy.slow_down(method="PUT", key="data/")
    assert ask(proxy, "/b/data/1")[0] == 200
    assert ask(proxy, "/b/other", "PUT", b"")[0] == 200
    assert ask(proxy, "/b/data/1", "PUT", b"")[0] == 503
    assert (proxy.count("PUT"), proxy.count("PUT", "data/"), proxy.count(key="data/")) == (2, 1, 2)


def test_for_a_while(proxy):
    proxy.slow_down(seconds=0.3)
    assert ask(proxy)[0] == 503
    time.sleep(0.4)
    assert ask(proxy)[0] == 200


def test_healed(proxy):
    proxy.slow_down()
    proxy.delay(30)
    proxy.heal()
    assert ask(proxy)[0] == 200


def test_a_delay(proxy):
    proxy.delay(0.3)
    began = time.monotonic()
    assert ask(proxy) == (200, CONTENT)
    assert time.monotonic() - began >= 0.3


def test_an_answer_is_cut(proxy):
    proxy.cut(1000, requests=1)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(proxy)
    assert caught.value.partial == CONTENT[:1000]
    assert ask(proxy) == (200, CONTENT)


def test_connections_are_refused_for_a_while_old_ones_too(proxy):
    kept = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=20)
    kept.request("GET", "/b/k")
    kept.getresponse().read()
    proxy.refuse(0.5)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        kept.request("GET", "/b/k")
        kept.getresponse()
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask(proxy)
    time.sleep(0.8)
    assert ask(proxy) == (200, CONTENT)
