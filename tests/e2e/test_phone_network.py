"""Phones on Edge: 40 kbit/s, 800 ms, connections that are cut at random, apps that are killed, clocks that are wrong, answers that are
lost, pictures that are sent twice. In scaled time. The seed of all chance is printed; PHOTOGATE_PHONE_SEED, --seed or
./test --suites --seed repeats it."""
import collections
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys

import pytest

from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import stack as services
from tests.rig.losses import public_keys
from tests.rig.traffic import settle

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEN_MINUTES = 600
EDGE = {"cut_every": 10}
# On Edge as it is, a picture of 300 kB never ends as a single request. What is sent so has a network that lets it.
MILDER = {"cut_every": 45, "lost_answers": 0.15}
HABITS = {"clocks": [0, -TEN_MINUTES, TEN_MINUTES], "asked_twice": 0.1, "killed_every": 60, "limit": 10_000}
WHOLE = ("put", "multipart")
CONTINUED = ("tus", "draft", "put, then tus")
MOST_SENT_AGAIN = 0.03
# A cut every 5 to 15 s, of a picture that takes a minute.
EVERY_TEN_SECONDS = {"cut_every": 0, "cut_between": [5, 15], "lost_answers": 0}
IN_FLIGHT = ", and a cut takes what is under way"
PATIENCE = 600
PICTURES = int(os.environ.get("PHOTOGATE_PHONE_PICTURES", 1_000))
TUSD = pathlib.Path(os.environ.get("PHOTOGATE_PEERS") or ROOT / "build" / "bench" / "peers") / "bin" / "tusd"


@pytest.fixture(scope="session")
def phone_seed(request):
    given = request.config.getoption("--seed", None)
    if given is None:
        given = os.environ.get("PHOTOGATE_PHONE_SEED")
    chosen = int(given) if given is not None else int.from_bytes(os.urandom(4), "big")
    print(f"seed {chosen}: PHOTOGATE_PHONE_SEED={chosen} repeats it")
    return chosen


@pytest.fixture
def direct(own_world):
    """No proxy stands before it, so that 104 is sent; all phones come from one address."""
    world = own_world(start=False)
    world.gateway.environment |= {"PHOTOGATE_SERVER_TRUSTED_PROXIES": "192.0.2.0/24", "PHOTOGATE_SERVER_MAX_CONNECTIONS_PER_ADDRESS": "0",
                                  "PHOTOGATE_SERVER_MAX_TRANSFERS_PER_ADDRESS": "10000"}
    world.gateway.start()
    return world


class Tusd(services.Child):
    """tusd with its S3 store on the world's MinIO, as bench/peers.py builds it."""

    name = "tusd"

    def __init__(self, world, folder):
        super().__init__(folder / "tusd.log")
        self.store, self.port = world.stack.minio, services.free_port()
        large.administrator(world).create_bucket(Bucket="tusd")

    def start(self):
        self._spawn([str(TUSD), "-host", "127.0.0.1", "-port", str(self.port), "-s3-bucket", "tusd", "-s3-endpoint", self.store.endpoint],
                    env={"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": self.store.root.access, "AWS_SECRET_ACCESS_KEY": self.store.root.secret,
                         "AWS_REGION": "us-east-1"})
        services.wait_until(self._listens, 30, self.name, lambda: self.running)

    def stop(self):
        self._end(signal.SIGTERM, 10)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def tusd(direct, tmp_path):
    """Its address; None where it has not been built."""
    if not TUSD.exists():
        yield None
        return
    server = Tusd(direct, tmp_path)
    server.start()
    yield f"127.0.0.1:{server.port}"
    server.stop()


def files(tmp_path, *shapes):
    """Pictures whose bytes are as many as a phone's, and whose pixels are few: noise."""
    made = []
    for width, height in shapes:
        made.append(tmp_path / f"{width}x{height}.jpg")
        made[-1].write_bytes(pictures.noise(width, height))
    return made


def run(world, tmp_path, seed, pictures, groups, parallel, scale, tusd=None):
    """The phones' accounts, after all of them have come to their end."""
    phones = sum(group["count"] for group in groups)
    tokens = [world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 40})[2]["token"] for _ in range(phones // 10 + 1)]
    plan = {"seed": seed, "parallel": parallel, "scale": scale, "pictures": [str(each) for each in pictures], "groups": groups,
            "servers": {"gateway": f"127.0.0.1:{world.gateway.port}", "tokens": tokens, "tusd": tusd}}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    subprocess.run([sys.executable, "-m", "tests.rig.phones", tmp_path / "plan.json", tmp_path / "result.json"], cwd=ROOT, check=True)
    return json.loads((tmp_path / "result.json").read_text())


def unsteady(world, seed):
    """The app server's receiver refuses some callbacks at first: they come again, under the same id."""
    dice = random.Random(f"{seed}/receiver")
    world.receiver.answer = lambda callback: (503, {"Retry-After": "1"}, b"") if callback.body and dice.random() < 0.03 else None


def assert_each_published_once(world, accounts, seconds=120):
    wrong = [(each["group"], each["number"], each["wrong"]) for each in accounts if each["wrong"] or not each["done"]]
    assert not wrong, wrong[:5]
    sent = {each["id"]: each for each in accounts}
    assert len(sent) == len(accounts), "each has an upload of its own"
    settle(world, seconds=seconds)
    rows = json.loads(world.sql("select coalesce(json_agg(json_build_array(id, state, found_sha256, image_key)), '[]') from uploads"))
    assert {identity for identity, *_ in rows} == set(sent), "one upload for each key, however often it was asked for"
    others = [row for row in rows if row[1] != "published"]
    assert not others, others[:5]
    assert [row[0] for row in rows if row[2] != sent[row[0]]["sha256"]] == [], "it is the picture that the phone has"
    images = [row[3] for row in rows]
    assert len(set(images)) == len(images) and set(public_keys(world)) == set(images)
    told = collections.defaultdict(lambda: collections.defaultdict(set))
    for callback in world.receiver.callbacks:
        assert callback.body, callback.problem
        told[callback.body["data"]["id"]][callback.body["type"]].add((callback.headers["webhook-id"], callback.raw))
    assert set(told) == set(sent)
    # Whoever drops what has a known webhook-id hears of each once.
    odd = {identity: {kind: len(messages) for kind, messages in kinds.items()} for identity, kinds in told.items()
           if {kind: len(messages) for kind, messages in kinds.items()} != {"upload.received": 1, "upload.published": 1}}
    assert not odd, list(odd.items())[:5]
    messages = [identity for kinds in told.values() for messages in kinds.values() for identity, _ in messages]
    assert len(set(messages)) == len(messages)
    services.wait_until(lambda: left_behind(world) == 0, 90, "originals and chunks to go")


def left_behind(world):
    client = large.administrator(world)
    return sum(page.get("KeyCount", 0) for page in client.get_paginator("list_objects_v2").paginate(Bucket=world.stack.minio.incoming))


def sums(accounts):
    """{group: figures}: bytes of bodies, as shares of the pictures' bytes."""
    found = {}
    for name in dict.fromkeys(each["group"] for each in accounts):
        own = [each for each in accounts if each["group"] == name]
        needed = sum(each["size"] for each in own)
        sent, arrived = (sum(each[what] for each in own) for what in ("sent", "arrived"))
        found[name] = {"way": own[0]["way"], "phones": len(own), "done": sum(each["done"] for each in own), "needed": needed, "sent": sent, "arrived": arrived,
                       "again": (sent - needed) / needed, "lost": (sent - arrived) / needed, "seconds": sum(each["seconds"] for each in own) / len(own),
                       "cuts": sum(each["cuts"] for each in own), "kills": sum(each["kills"] for each in own),
                       "already_there": sum(each["already_there"] for each in own), "renewals": sum(each["renewals"] for each in own), "falls": sum(each["falls"] for each in own)}
    return found


def show(capsys, seed, result):
    with capsys.disabled():
        print(f"\nseed {seed}; cuts: {result['cuts']}")
        for name, each in sums(result["phones"]).items():
            print(f"{name:>24}: {each['done']} of {each['phones']} ended, {each['needed'] / 1e6:.1f} MB needed, {100 * each['again']:.2f} % sent again, of which "
                  f"{100 * each['lost']:.2f} % never arrived; {each['seconds']:.0f} s each; {each['cuts']} cuts, {each['kills']} kills, "
                  f"{each['already_there']} answered 412, {each['renewals']} signed again" + (f", its offset fell {each['falls']} times" if each["falls"] else ""))


def crowd(way, count, **more):
    """So many pictures, of which some are sent a second time under another key."""
    return {"name": way, "way": way, "count": count, "twins": count // 20 + 1, "conditions": MILDER if way in WHOLE else EDGE, **HABITS,
            **({"grant_lives": 3} if way == "put" else {}), **more}


def test_phones_on_edge_lose_no_picture_and_double_none(direct, phone_seed, tmp_path, capsys):
    unsteady(direct, phone_seed)
    chosen = files(tmp_path, (100, 80), (160, 120), (240, 180), (300, 240))
    result = run(direct, tmp_path, phone_seed, chosen, [crowd(way, 8) for way in (*WHOLE, *CONTINUED)], parallel=40, scale=40)
    show(capsys, phone_seed, result)
    assert_each_published_once(direct, result["phones"])


@pytest.mark.large
@pytest.mark.parametrize("way", [*WHOLE, *CONTINUED])
def test_a_thousand_pictures_are_published_once(direct, phone_seed, tmp_path, capsys, way):
    unsteady(direct, phone_seed)
    # Two bytes for each pixel: 90 kB to 2 MB, 330 kB on average.
    shapes = {(230, 200): 20, (300, 250): 25, (400, 320): 25, (520, 420): 20, (800, 600): 8, (1100, 900): 2}
    weights = [weight if way in CONTINUED or width < 400 else 0 for (width, _), weight in shapes.items()]
    result = run(direct, tmp_path, phone_seed, files(tmp_path, *shapes), [crowd(way, PICTURES, weights=weights)], parallel=120, scale=20)
    show(capsys, phone_seed, result)
    assert_each_published_once(direct, result["phones"], seconds=600)
    seen = sums(result["phones"])[way]
    assert all(result["cuts"].values()) and seen["kills"], "nothing of the network was left out"
    assert way != "put" or (seen["already_there"] and seen["renewals"]), "answers of PUTs that succeeded were lost, and grants expired"


@pytest.mark.large
def test_what_is_sent_again_by_each_way(direct, tusd, phone_seed, tmp_path, capsys, request):
    """The same pictures, and for each way the same cuts."""
    def group(way, name=None, **more):
        return {"name": name or way, "network": "compared", "way": way, "count": 20, "clocks": [0], **more,
                "conditions": {**EVERY_TEN_SECONDS, **more.get("conditions", {})}}

    continued = [*CONTINUED, *(["tusd"] if tusd else [])]
    groups = [*(group(way, limit=PATIENCE) for way in WHOLE), *(group(way) for way in continued),
              *(group(way, way + IN_FLIGHT, conditions={"takes_in_flight": True}) for way in ("tus", "tusd") if way in continued)]
    result = run(direct, tmp_path, phone_seed, files(tmp_path, (420, 352)), groups, parallel=200, scale=8, tusd=tusd)
    show(capsys, phone_seed, result)
    found = sums(result["phones"])
    facts = {"seed": phone_seed, "size": result["phones"][0]["size"], "patience": PATIENCE, "ways": found}
    request.node.user_properties.append(("phones", json.dumps(facts)))
    wrong = [(each["group"], each["number"], each["wrong"]) for each in result["phones"] if each["wrong"]]
    assert not wrong, wrong
    assert [found[way]["done"] for way in WHOLE] == [0, 0], "no connection lives long enough for it"
    assert {name: each["done"] for name, each in found.items() if each["way"] in CONTINUED} == {
        name: each["phones"] for name, each in found.items() if each["way"] in CONTINUED}
    for way in ("tus", "draft"):
        assert found[way]["again"] <= MOST_SENT_AGAIN, f"{way}: {found[way]}"
