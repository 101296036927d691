"""presign: URLs per second on one core, against one HMAC and against boto3."""
import json
import subprocess
import sys

from harness import ROOT, NotMeasured, Row, median, span

TARGET = 200_000

BOTO3 = """
import time, boto3, botocore.config
client = boto3.client("s3", endpoint_url="https://uploads.example.com", region_name="eu-central-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                      aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                      config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
def many(seconds):
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(50):
            client.generate_presigned_url("put_object", Params={"Bucket": "incoming", "Key": f"u/202611201234/upl_{count:022}/original.jpg",
                                          "ContentType": "image/jpeg", "ContentLength": 3481129, "IfNoneMatch": "*"}, ExpiresIn=900)
            count += 1
    return count / (time.perf_counter() - start)
many(0.3)
print([many(0.5) for _ in range(3)])
"""


def boto3_rates(bench):
    for python in (ROOT / ".venv" / "bin" / "python", sys.executable):
        try:
            done = subprocess.run([str(python), "-c", BOTO3], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return json.loads(done.stdout)
    raise NotMeasured("boto3 is not installed")


def presign(bench):
    rounds = bench.times(9, 3)
    out = bench.run(["taskset", "-c", "0", bench.program("presign_bench"), "--benchmark_min_time=0.2", f"--benchmark_repetitions={rounds}",
                     "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"])
    rates = {}
    for each in json.loads(out)["benchmarks"]:
        if each["run_type"] == "iteration":
            rates.setdefault(each["run_name"], []).append(each["items_per_second"])
    urls, hmacs, floor = (median(rates[name]) for name in ("presigned_put_urls", "one_hmac", "one_digest_and_one_hmac"))
    bench.add(Row("presign", "presigned PUT URLs a second, one core", f"{urls:,.0f} /s", f"≥ {TARGET:,} /s", urls >= TARGET,
                  span(rates["presigned_put_urls"]) + f", {rounds} rounds", {"urls_per_second": urls, "rounds": rates["presigned_put_urls"]}))
    bench.add(Row("presign", "… one URL, in bare HMAC-SHA256 of its string to sign", f"{hmacs / urls:.1f} HMACs",
                  spread=f"one HMAC: {hmacs:,.0f} /s", values={"hmacs_per_second": hmacs}))
    bench.add(Row("presign", "… and in the SHA-256 and HMAC that SigV4 can't do without", f"{floor / urls:.2f} ×",
                  spread=f"both: {floor:,.0f} /s", values={"floor_per_second": floor}))
    try:
        boto3 = boto3_rates(bench)
        bench.add(Row("presign", "… beside boto3, the same URL, one core", f"{urls / median(boto3):.0f} ×", spread=f"boto3: {span(boto3)} /s",
                      values={"boto3_per_second": boto3}))
    except NotMeasured as reason:
        bench.add(Row("presign", "… beside boto3", f"not measured: {reason}"))
