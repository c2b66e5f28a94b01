"""Serves git repositories over http on loopback, through git's own http-backend, to everybody or to who knows a password.

usage: python3 git_http.py FOLDER PORT
"""

import base64
import http.server
import os
import subprocess
import sys
import threading


class GitServer:
    """Serves the repositories of a folder, as long as it is open."""

    def __init__(self, folder, port=0):
        self.handler = type("Handler", (Handler,), {"folder": folder})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def require(self, name, password):
        """Nobody else reads from now on."""
        self.handler.authorization = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    folder = authorization = None

    def answer(self):
        path, _, query = self.path.partition("?")
        if self.authorization not in (None, self.headers.get("Authorization")):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.close_connection = True
            self.end_headers()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {
            "PATH": os.environ["PATH"],
            "HOME": self.folder,
            "GIT_PROJECT_ROOT": self.folder,
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        said = subprocess.run(command, env=asked, input=body, capture_output=True, check=False).stdout
        head, _, data = said.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    GitServer(sys.argv[1], int(sys.argv[2])).server.serve_forever()
