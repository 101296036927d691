"""What tests/rig/stack promises: real parts that come, go, come back with their data, and leave nothing behind."""
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
from tests.rig.stack import Stack, StackError, wait_until  # noqa: E402


def run_stack(*arguments, **options):
    return subprocess.Popen([sys.executable, str(ROOT / "scripts" / "stack.py"), "exec", *arguments], **options)


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Events(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class StackTest(unittest.TestCase):
    def test_data_survives_a_kill_of_either_part_on_the_same_addresses(self):
        with Stack() as stack:
            url, endpoint = stack.postgres.url, stack.minio.endpoint
            stack.postgres.sql("CREATE TABLE t AS SELECT 42 AS answer")
            stack.minio.call("PUT", "/incoming/u/kept", body=b"bytes", key=stack.minio.signer)
            stack.postgres.kill()
            stack.minio.kill()
            self.assertFalse(stack.postgres.ready())
            self.assertFalse(stack.minio.ready())
            stack.postgres.start()
            stack.minio.start()
            self.assertEqual((url, endpoint), (stack.postgres.url, stack.minio.endpoint))
            self.assertEqual(stack.postgres.sql("SELECT answer FROM t"), "42")
            self.assertEqual(stack.minio.call("GET", "/incoming/u/kept", key=stack.minio.worker)[1], b"bytes")
            stack.postgres.stop("immediate")
            stack.postgres.start()
            self.assertEqual(stack.postgres.sql("SHOW fsync"), "on")
            self.assertEqual(stack.postgres.sql("SHOW listen_addresses"), "")

    def test_replaces_lost_session_and_reports_mistake(self):
        with Stack() as stack:
            postgres = stack.postgres
            first = postgres.sql("SELECT pg_backend_pid()")
            self.assertEqual(postgres.sql("SELECT pg_backend_pid()"), first)
            with self.assertRaisesRegex(StackError, "does not exist"):
                postgres.sql("SELECT * FROM nothing")
            second = int(postgres.sql("SELECT pg_backend_pid()"))
            os.kill(second, signal.SIGTERM)
            wait_until(lambda: gone(second), 60, "the end of the backend")
            self.assertNotEqual(postgres.sql("SELECT pg_backend_pid()"), str(second))
            self.assertEqual(postgres.sql("SELECT 1; SELECT 'two' || E'\\n' || 'three'"), "1\ntwo\nthree")

    def test_users_have_the_policies_of_etc(self):
        with Stack() as stack:
            minio = stack.minio

            def status(method, path, key):
                return minio.call(method, path, key=key, body=b"x" if method == "PUT" else b"", accept=None)[0]

            self.assertEqual(status("PUT", "/incoming/u/a", minio.signer), 200)
            for method, path in (("PUT", "/incoming/a"), ("PUT", "/public/u/a"), ("GET", "/incoming/u/a"),
                                 ("GET", "/incoming"), ("DELETE", "/incoming/u/a"), ("HEAD", "/incoming/u/a")):
                self.assertEqual(status(method, path, minio.signer), 403, f"signer {method} {path}")
            for method, path in (("GET", "/incoming/u/a"), ("PUT", "/public/p/a"), ("GET", "/originals"),
                                 ("DELETE", "/incoming/u/a")):
                self.assertIn(status(method, path, minio.worker), (200, 204), f"worker {method} {path}")
            self.assertEqual(status("DELETE", "/originals", minio.worker), 403)

    def test_both_webhook_targets_post_to_the_gateway(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Events)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/v1/events/minio"
            with Stack(events_url=url, events_token="t0ken") as stack:
                stack.minio.call("PUT", "/incoming/elsewhere", body=b"x")
                stack.minio.call("PUT", "/incoming/u/here", body=b"x", key=stack.minio.signer)
                wait_until(lambda: len(Events.seen) >= 2, 60, "two events")
                self.assertEqual({(path, token, event["Key"]) for path, token, event in Events.seen},
                                 {("/v1/events/minio", "Bearer t0ken", "incoming/u/here")})
        finally:
            server.shutdown()

    def test_kept_stack_returns_with_its_data_and_keys(self):
        with tempfile.TemporaryDirectory() as var:  # 0700: an unprivileged PostgreSQL can't stand inside when run by root
            with Stack(var_dir=var) as stack:
                stack.postgres.sql("CREATE TABLE kept ()")
                access, folder = stack.minio.worker.access, stack.postgres.folder
                stack.minio.call("PUT", "/originals/kept", body=b"1", key=stack.minio.worker)
            with Stack(var_dir=var) as stack:
                stack.postgres.sql("SELECT FROM kept")
                self.assertEqual(stack.minio.worker.access, access)
                self.assertEqual(stack.minio.call("GET", "/originals/kept", key=stack.minio.worker)[1], b"1")
            if not str(folder).startswith(var):
                subprocess.run(["rm", "-rf", str(folder.parent)], check=True)

    def test_reports_taken_port_and_leaves_nothing(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            stack = Stack(minio_port=taken.getsockname()[1])
            with self.assertRaises(StackError):
                stack.start()
            self.assertFalse(stack.postgres.running)
            self.assertFalse(stack.folder.exists())

    def test_a_port_is_given_to_one_process_alone(self):
        script = ("from tests.rig.stack import process; process.PORTS = range(20_000, 20_020); "
                  "print(*(process.free_port() for _ in range(8)), flush=True); input()")
        both = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        given = [port for each in both for port in each.stdout.readline().split()]
        for each in both:
            each.communicate("\n")
        self.assertEqual(len(given), 16)
        self.assertEqual(len(set(given)), 16)

    def test_exit_code_is_that_of_the_command(self):
        self.assertEqual(run_stack("--", "sh", "-c", 'test -n "$PHOTOGATE_TEST_S3_ENDPOINT" && exit 7').wait(60), 7)

    def test_nothing_keeps_running_however_it_ends(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            command = ["--", "sh", "-c", 'echo "$PHOTOGATE_TEST_DATABASE_URL $$"; exec sleep 600']
            process = run_stack(*command, stdout=subprocess.PIPE, text=True)
            with process.stdout:
                url, shell = process.stdout.readline().split()
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            self.assertEqual(len(children), 3)
            self.assertIn(shell, children)
            process.send_signal(number)
            code = process.wait(30)
            self.assertEqual(code, -number if number == signal.SIGKILL else 128 + number)
            wait_until(lambda: all(gone(pid) for pid in children), 60, f"{number.name}: the children")
            folder = pathlib.Path(url.split("host=")[1].replace("%2F", "/")).parents[1]
            if number == signal.SIGKILL:
                with Stack():  # the next one sweeps up
                    pass
            self.assertFalse(folder.exists(), number.name)


if __name__ == "__main__":
    unittest.main()
