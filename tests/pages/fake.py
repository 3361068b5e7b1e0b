"""A server that answers as the test says, when the test says: the pages are the engine's own, what
they talk to is not. Its WebSocket knows as much of the protocol as one short conversation takes."""

import base64
import hashlib
import http.server
import json
import struct
import threading
import urllib.request

RUNTIMES = [{"language": "python", "version": "3.99.0", "aliases": ["py"]},
            {"language": "c", "version": "99.0.0", "aliases": ["gcc"]}]
FIELDS = {"language": "c", "version": "99.0.0"}
STAGE = {"code": 0, "signal": None, "status": None, "message": None,
         "cpu_time": 12.5, "wall_time": 1500, "memory": 3 << 20}


def event(name, **data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


class Fake(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, engine):
        super().__init__(("127.0.0.1", 0), Handler)
        self.engine = engine              # address the pages are fetched from
        self.address = f"127.0.0.1:{self.server_port}"
        self.go_on = threading.Event()    # lets the program that is running end
        self.client_left = threading.Event()
        self.requests = []                # bodies of /execute
        self.received = []                # messages of /connect
        self.answer = stream              # what /execute does
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # a client that goes away is part of the tests


def stream(handler):
    """Compiles, prints a line, and the other when told to; pieces cut where they should not matter."""
    server = handler.server
    handler.begin(200, "text/event-stream")
    first = (b": hello\n\n" + event("runtime", **FIELDS) + event("stage", stage="compile")
             + event("stderr", data="a warning\n") + event("exit", stage="compile", **STAGE)
             + event("stage", stage="run") + event("stdout", data="first gr\u00fc\u00dfe\n").replace(b"\n", b"\r\n"))
    for byte in range(len(first)):
        handler.send(first[byte:byte + 1])
    while not server.go_on.wait(0.05):
        try:
            handler.send(b": still there\n\n")
        except OSError:
            return server.client_left.set()
    end = {**STAGE, "stdout": "first\nlast\n", "stderr": "", "output": ""}
    handler.send(event("stdout", data="last\n") + event("exit", stage="run", **STAGE)
                 + event("result", run=end, **FIELDS))


def broken_stream(handler):
    handler.begin(200, "text/event-stream")
    handler.send(event("stage", stage="run") + event("stdout", data="partly\n"))


def failing_stream(handler):
    handler.begin(200, "text/event-stream")
    handler.send(event("stage", stage="run") + event("error", message="Internal error 0123"))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def begin(self, status, kind, fields=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def send(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def do_GET(self):
        if self.path == "/api/v2/connect":
            return self.converse()
        if self.path == "/api/v2/runtimes":
            self.begin(200, "application/json")
            return self.send(json.dumps(RUNTIMES).encode())
        with urllib.request.urlopen(f"http://{self.server.engine}{self.path}") as page:
            policy = [("Content-Security-Policy", page.headers["Content-Security-Policy"])]
            self.begin(200, page.headers["Content-Type"], policy)
            self.send(page.read())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append({**json.loads(body), "accept": self.headers["Accept"]})
        self.server.answer(self)

    # --- a WebSocket (RFC 6455): short text frames ---

    def say(self, **message):
        text = json.dumps(message).encode()
        size = bytes([len(text)]) if len(text) < 126 else b"\x7e" + struct.pack(">H", len(text))
        self.send(b"\x81" + size + text)

    def hear(self):
        """The next message; None when the client closes."""
        head = self.rfile.read(2)
        if len(head) < 2 or head[0] & 15 == 8:
            return None
        size = head[1] & 127
        if size == 126:
            size = struct.unpack(">H", self.rfile.read(2))[0]
        mask = self.rfile.read(4)
        data = self.rfile.read(size)
        message = json.loads(bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))
        self.server.received.append(message)
        return message

    def converse(self):
        """A program that asks for a name and greets it."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.protocol_version = "HTTP/1.1"
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"),
                            ("Sec-WebSocket-Accept",
                             base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())):
            self.send_header(name, value)
        self.end_headers()
        self.hear()
        self.say(type="runtime", **FIELDS)
        self.say(type="stage", stage="run")
        self.say(type="data", stream="stdout", data="Name? ")
        told = self.hear()
        if told and told["type"] == "data":
            self.say(type="data", stream="stdout", data=f"Hello, {told['data'].strip()}!\n")
            self.say(type="exit", stage="run", code=0, signal=None)
            self.send(b"\x88\x0f" + struct.pack(">H", 4999) + b"Job Completed")
        while told:
            told = self.hear()
        self.server.client_left.set()
