"""A zip of objects by their URLs, streamed by zipstream-ng behind the standard library's threading server.

    python3 zipstream_server.py PORT ENTRIES    ENTRIES has a line for each entry: its name, a tab, its URL
"""
import http.server
import pathlib
import sys

import requests
import zipstream


def chunks(session, url):
    with session.get(url, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(256 * 1024)


class Zips(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    entries = ()

    def do_GET(self):
        archive, session = zipstream.ZipStream(compress_type=zipstream.ZIP_STORED), requests.Session()
        for name, url in self.entries:
            archive.add(chunks(session, url), name)
        self.send_response(200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Connection", "close")
        self.end_headers()
        for data in archive:
            self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Zips.entries = [line.split("\t") for line in pathlib.Path(sys.argv[2]).read_text().splitlines()]
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Zips).serve_forever()
