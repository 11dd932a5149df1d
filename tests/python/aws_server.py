"""An AWS server (moto) on a free loopback port, which it prints. It ends when its standard input does, so that it never
outlives the test that started it, however that ends."""
import logging
import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=end_with_parent, daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
