#!/usr/bin/env python3
"""What a search for similar pictures costs among a million of one app. Prints a table; not part of bench/run.

    bench/similar.py [--build build/release] [--pictures 1000000] [--asked 200]
    bench/similar.py --alone        the statement alone, through psql

Three in five of the hashes are random, three in ten are another one's with up to four bits changed, and one in ten has at most six bits
set, as pictures of things on white have. The hashes are copied into the index as the migration does it, and searches go through the
gateway, with the page of 50 uploads as its answer.
"""
import argparse
import itertools
import os
import pathlib
import random
import re
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.rig.world import PROFILES, World  # noqa: E402

RECORDS = ROOT / "storage" / "records"
STEP = RECORDS / "migrations" / "0010_hashes_of_older_pictures.sql"
ROWS = """
insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields, request_id, created_at,
                     expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256, image_format, image_width, image_height,
                     image_size, found_type, found_size, found_sha256, found_width, found_height, exif, privacy, placeholder, perceptual_hash)
select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos', 'published', 'put', 'default', 'incoming', 'u/' || n, '{}', '{}',
       'r', now(), now(), now(), 'e', 'p/' || n, 'e', repeat('0', 64), 'jpeg', 1600, 1200, 200000, 'image/jpeg', 300000, repeat('0', 64),
       1600, 1200, '{}', '{}', '1QcSHQRnh493V4dIh4eXh1h4kJUI', hash
from unnest(array[%s]) with ordinality as hashes (hash, at), lateral (select at + %d as n) numbered;
"""


def hashes(count, dice):
    made = []
    for n in range(count):
        kind = n % 10
        if kind < 6 or not made:
            made.append(dice.getrandbits(64))
        elif kind < 9:
            made.append(dice.choice(made) ^ sum(1 << bit for bit in dice.sample(range(64), dice.randrange(5))))
        else:
            made.append(sum(1 << bit for bit in dice.sample(range(64), dice.randrange(7))))
    return made


def fill(world, made):
    """(seconds of all steps, the longest)."""
    for start in range(0, len(made), 20_000):
        world.sql(ROWS % (",".join(f"'{each:016x}'" for each in made[start:start + 20_000]), start))
    world.sql("truncate picture_hashes; create table picture_hashes_copied (to_id text collate \"C\" not null); insert into picture_hashes_copied values ('')")
    steps, text = [], STEP.read_text()
    while int(world.sql("select count(*) from picture_hashes")) < len(made):
        at = time.monotonic()
        world.sql(text)
        steps.append(time.monotonic() - at)
    world.sql("drop table picture_hashes_copied")
    return sum(steps), max(steps)


def prepare(world):
    """The schema and the statement, as a gateway has them, in psql's session."""
    for migration in sorted((RECORDS / "migrations").glob("*.sql")):
        world.sql(f"begin; {migration.read_text()}; commit")
    text = (RECORDS / "queries" / "reading.sql").read_text()
    return re.search(r"-- name: list_similar\n(.*?);\n", text, re.S).group(1)


def near_blocks(value, distance):
    return [value ^ sum(1 << bit for bit in bits) for count in range(distance // 4 + 1) for bits in itertools.combinations(range(16), count)]


def by_statement(world, each, distance):
    blocks = [sum((each >> 4 * bit + block & 1) << bit for bit in range(16)) for block in range(4)]
    arrays = ", ".join("'{" + ",".join(map(str, near_blocks(block, distance))) + "}'" for block in blocks)
    signed = each - (1 << 64) if each >> 63 else each
    return world.sql(f"execute alike('shop', null, 'upl_', null, null, null, '{{}}', 51, {signed}, {distance}, null, 0, {arrays})").count("upl_")


def by_request(world, each, distance):
    status, _, page = world.request("GET", f"/v1/uploads?similar_to={each:016x}&distance={distance}")
    assert status == 200, page
    return len(page["data"])


def search(world, ask, asked, distance):
    times, found = [], []
    for each in asked:
        at = time.monotonic()
        found.append(ask(world, each, distance))
        times.append(time.monotonic() - at)
    times.sort()
    return f"p50 {1000 * statistics.median(times):.1f} ms, p99 {1000 * times[int(len(times) * 0.99)]:.1f} ms, worst {1000 * times[-1]:.1f} ms; " \
           f"{statistics.mean(found):.1f} found on average"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=200)
    arguments = parser.parse_args()
    dice = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        world = World(arguments.build, pathlib.Path(folder) / "world", PROFILES)
        try:
            statement = prepare(world) if arguments.alone else world.gateway.start() and None
            made = hashes(arguments.pictures, dice)
            copied, longest = fill(world, made)
            size = world.sql("select pg_size_pretty(pg_total_relation_size('picture_hashes'))").strip()
            for table in ("picture_hashes", "uploads"):  # what the database itself does a minute later
                world.sql(f"vacuum (analyze) {table}")
            if statement:
                world.sql(f"prepare alike as {statement}")
            ask = by_statement if statement else by_request
            print(f"{os.cpu_count()} cores, {arguments.pictures:,} pictures\n\n| | figure |\n| --- | --- |")
            print(f"| the index, with its table; copied by the migration in steps of 5,000 | {size}; {copied:.0f} s, the longest step {longest:.2f} s |", flush=True)
            for name, asked in (("any of them", dice.sample(made, arguments.asked)), ("one of the plain ones", [0, 1, 3, 1 << 40] * (arguments.asked // 8))):
                for distance in (0, 3, 6, 10):
                    print(f"| `similar_to` {name}, `distance={distance}` | {search(world, ask, asked, distance)} |", flush=True)
        finally:
            world.close()


if __name__ == "__main__":
    main()
