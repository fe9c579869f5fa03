"""A web server for download_test: serves one folder on 127.0.0.1.

    python3 range_server.py FOLDER

Prints its port. Byte ranges are understood; of a path only the last part
matters, and the first: /cut/ is served only to its half, then the connection
breaks; /plain/ ignores ranges; /away/ redirects to a file:// address, /hop/ to
the file itself; /told/ tells its hash as Google's storage does, /lies/ another.
Ends when its standard input closes.
"""
import base64
import hashlib
import http.server
import pathlib
import re
import sys
import threading

FOLDER = pathlib.Path(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind = self.path[1:].split("/")[0]
        name = self.path.split("/")[-1]
        if kind == "hop":
            self.send_response(302)
            self.send_header("Location", f"/{name}")
            self.end_headers()
            return
        if kind == "away":
            self.send_response(302)
            self.send_header("Location", f"file://{FOLDER / name}")
            self.end_headers()
            return
        file = FOLDER / name
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        start = 0
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and kind != "plain":
            start = int(wanted.group(1))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if kind in ("told", "lies"):
            true = content if kind == "told" else b"something else"
            md5 = base64.b64encode(hashlib.md5(true).digest()).decode()
            self.send_header("x-goog-hash", f"crc32c=AAAAAA==,md5={md5}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) // 2 if kind == "cut" else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
