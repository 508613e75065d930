"""An S3 server, moto's, on a free port of loopback; the port is printed. It ends when its standard input does.

Whoever started it holds the other end of that pipe: however it ends, killed or not, the server ends with it.
"""

from __future__ import annotations

import logging
import os
import sys

from moto.server import ThreadedMotoServer

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)
