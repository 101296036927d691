"""create: POST /v1/uploads, committed to PostgreSQL before it answers, beside a bare Beast server that answers the same bytes and
beside Uppy Companion, which commits nothing; all on the same two cores with the load generator."""
import contextlib
import re
import socket
import time

import companion
from harness import NotMeasured, Row, median, span

BARE_SHARE = 0.45
COMPANION_TIMES = 10
PGBENCH_TIMES = 1.5
# With 256 the groups are larger, and cost less for each row.
CONNECTIONS = (64, 256)
BODY = '{"filename":"pickup 42.jpg","content_type":"image/jpeg","size":3481129,"metadata":{"order_id":"A-1001"}}'
ONE_ROW = "insert into bench_commits values (gen_random_uuid(), repeat('x', 600));"


def record_answer(bench, gateway, app):
    """Writes the gateway's raw response to a file; returns its size."""
    head = (f"POST /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nAuthorization: Bearer {app.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall((head + BODY).encode())
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer) < answer.index(b"\r\n\r\n") + 4 + int(
                re.search(rb"(?i)\r\ncontent-length: *(\d+)", answer).group(1)):
            piece = connection.recv(65536)
            if not piece:
                raise NotMeasured("the gateway closed the connection")
            answer += piece
    if not answer.startswith(b"HTTP/1.1 201"):
        raise NotMeasured(f"the gateway answered {answer[:200]!r}")
    path = bench.folder / "answer.http"
    path.write_bytes(answer)
    return path, len(answer)


def rows_committed(stack):
    return int(stack.postgres.sql("select count(*) from uploads"))


def bare_commits(bench, stack):
    """The commits of this PostgreSQL with one row per transaction, from as many clients: no group, no HTTP."""
    stack.postgres.sql("create table bench_commits (id uuid primary key, content text)")
    script = bench.folder / "one-row.sql"
    script.write_text(ONE_ROW)
    script.chmod(0o644)
    out = bench.run(["pgbench", "-n", "-h", stack.postgres.sockets, "-U", "photogate", "-c", "64", "-j", "2", "-T", "4", "-M", "prepared", "-f",
                     script, "photogate"], shown=f'pgbench -n -c 64 -j 2 -T 4 -M prepared -f - photogate   # {ONE_ROW}', cwd="/")
    return float(re.search(r"tps = ([\d.]+)", out).group(1))


def wait_until_listening(log):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found.group(1))
        time.sleep(0.02)
    raise NotMeasured("http_baseline does not listen")


def create(bench):
    rounds, seconds = bench.times(4, 2), 4
    with contextlib.ExitStack() as running:
        stack, gateway, app, _ = running.enter_context(bench.world("serve", ["--server-io-threads", "2"]))
        bench.show("photogate serve --config photogate.toml --server-io-threads 2   # PostgreSQL with fsync, MinIO for the start-up proof")
        answer, size = record_answer(bench, gateway, app)
        _, log = running.enter_context(bench.server([bench.program("http_baseline"), "0", "2", answer]))
        bench.show("http_baseline 0 2 answer.http   # answer.http: the gateway's own answer, as recorded")
        bare_url = f"http://127.0.0.1:{wait_until_listening(log)}/v1/uploads"
        why_not, companion_url = "", None
        try:
            companion_url = running.enter_context(companion.running(bench, stack.minio))
        except NotMeasured as reason:
            why_not = str(reason)

        def load(who, connections, for_seconds=seconds):
            if who == "companion":
                return bench.wrk(companion_url, for_seconds, "GET", connections=connections)
            url = bare_url if who == "bare" else gateway.url + "/v1/uploads"
            return bench.wrk(url, for_seconds, "POST", f"Bearer {app.key}", BODY, connections)

        contenders = [(who, count) for count in CONNECTIONS for who in ("bare", "gateway")]
        for who, count in contenders:
            load(who, count, 1)
        if companion_url:
            try:
                load("companion", CONNECTIONS[0], 1)
                contenders.insert(2, ("companion", CONNECTIONS[0]))
            except NotMeasured as reason:
                why_not, companion_url = str(reason), None
        before, results = rows_committed(stack), {each: [] for each in contenders}
        for _ in range(rounds):
            for each in contenders:
                results[each].append(load(*each))
        committed = rows_committed(stack) - before
        answered = sum(each["requests"] for key, found in results.items() if key[0] == "gateway" for each in found)
        if committed < answered:
            raise NotMeasured(f"{answered} answers, but {committed} rows")
        commits = bare_commits(bench, stack)

    for count in CONNECTIONS:
        report_share(bench, results[("gateway", count)], results[("bare", count)], count, size)
    best = max(median([each["rate"] for each in results[("gateway", count)]]) for count in CONNECTIONS) / commits
    bench.add(Row("create", "… beside this PostgreSQL alone, one row a commit from 64 clients of pgbench", f"{best:.2f} ×", f"≥ {PGBENCH_TIMES} ×",
                  best >= PGBENCH_TIMES, f"pgbench: {commits:,.0f} /s",
                  {"times": best, "per_second": commits, "rows_committed": committed, "answers": answered}))
    what = f"… beside Uppy Companion {companion.VERSION} `/s3/params`, one process, {CONNECTIONS[0]} connections"
    if companion_url:
        theirs = [each["rate"] for each in results[("companion", CONNECTIONS[0])]]
        times = [mine["rate"] / other for mine, other in zip(results[("gateway", CONNECTIONS[0])], theirs)]
        bench.add(Row("create", what, f"{median(times):.1f} ×", f"≥ {COMPANION_TIMES} ×", median(times) >= COMPANION_TIMES,
                      span(times, "{:.1f}") + f"; Companion: {median(theirs):,.0f} /s", {"times": times, "companion_per_second": theirs}))
    else:
        bench.add(Row("create", what, f"not measured: {why_not}", f"≥ {COMPANION_TIMES} ×"))


def report_share(bench, ours, bare, count, size):
    shares = [mine["rate"] / floor["rate"] for mine, floor in zip(ours, bare)]
    rates, floors = [each["rate"] for each in ours], [each["rate"] for each in bare]
    share, p50, p99 = median(shares), median([each["p50_ms"] for each in ours]), median([each["p99_ms"] for each in ours])
    bench.add(Row("create", f"`POST /v1/uploads`, committed, as a share of bare Beast with the same {size:,} bytes, {count} connections",
                  f"{share:.1%}", f"≥ {BARE_SHARE:.0%}", share >= BARE_SHARE, span(shares, "{:.1%}") + f", {len(ours)} rounds",
                  {"share": share, "shares": shares, "answer_bytes": size}))
    bench.add(Row("create", "… uploads a second (p50, p99); bare Beast", f"{median(rates):,.0f} /s ({p50:.1f} ms, {p99:.1f} ms); {median(floors):,.0f} /s",
                  spread=f"{span(rates)}; {span(floors)}", values={"gateway": ours, "bare": bare}))
