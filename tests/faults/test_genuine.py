"""A run in which nothing breaks: it has no violation, and it is rich enough that a broken one would."""
import time

import pytest

from tests.rig import witness
from tests.rig.traffic import Shop


@pytest.mark.fast
def test_run_without_faults_has_no_violation(witnessed, seed):
    world = witnessed()
    with Shop(world, seed) as shop:
        time.sleep(6)
    shop.settle()
    evidence = world.witness.judge()
    seen = witness.tally(evidence["facts"])
    print(seen, f"{len(evidence['database']['changes'])} changes, {len(evidence['public'])} objects")
    for kind in ("created", "put_acknowledged", "event", "callback", "store_request", "read"):
        assert seen[kind] > 5, kind
