#!/usr/bin/env python3
"""Records a small run of the real program, in which a gateway is killed with work in its hands, for test_checker.py to plant bugs in.

    python3 -m tests.faults.record_run [FILE]     writes tests/data/histories/genuine.json unless another file is named
"""
import json
import pathlib
import sys
import tempfile
import time

from tests.rig import (
    checker,
    pictures,
    traffic,
)
from tests.rig import stack as parts
from tests.rig.witness import Witness
from tests.rig.world import SHORT_LEASES, World, release_build

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def record(folder):
    witness = Witness(folder / "witness")
    world = World(release_build(), folder / "gateway", {"photos": {"original": '"keep"', "rejected": '"quarantine"', "expired_callback": '"sent"'}},
                  SHORT_LEASES, witness=witness)
    world.gateway.environment["PHOTOGATE_CALLBACKS_TIMEOUT"] = "1s"  # what a killed sender held is free soon
    try:
        world.gateway.start()
        photos = [pictures.photo(320, 240, seed=910 + number) for number in range(3)]
        done = []
        for number, photo in enumerate(photos):
            key = {"Idempotency-Key": f"order-{number}"}
            body = {"profile": "photos", "size": len(photo)}
            created = world.request("POST", "/v1/uploads", body, key)[2]
            world.request("POST", "/v1/uploads", body, key)
            done.append(traffic.put(world, created, photo))
            world.image(world.gateway.wait_for(created))
        junk = traffic.put(world, world.create({"size": len(traffic.JUNK)}), traffic.JUNK, "rejected")
        cancelled = world.create()
        world.request("DELETE", f"/v1/uploads/{cancelled['id']}")
        world.gateway.wait_for(junk)
        world.request("DELETE", f"/v1/uploads/{done[0]['id']}")
        world.image(world.gateway.wait_for(done[0]))
        # Killed with work in progress: the store holds the image back until the process is dead.
        from tests.rig import fault_proxy
        held = world.witness.store.rule(fault_proxy.puts("public"), fault_proxy.hanging(30))
        again = traffic.put(world, world.create({"size": len(photos[0]), "method": "post"}), photos[0])
        parts.wait_until(lambda: held.hits, 60, "work in its hands")
        world.gateway.kill()
        world.witness.store.heal()
        world.gateway.restart()
        traffic.settle(world, [each["id"] for each in (*done, junk, again)])
        time.sleep(0.2)
        return witness.evidence()
    finally:
        world.close()


def main():
    to = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests" / "data" / "histories" / "genuine.json"
    with tempfile.TemporaryDirectory() as folder:
        evidence = record(pathlib.Path(folder))
    found = checker.check(evidence)
    for violation in found:
        print(violation)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(evidence, indent=1, sort_keys=True) + "\n")
    print(f"{to}: {len(evidence['facts'])} facts, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
