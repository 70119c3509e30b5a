"""python -m tests.bench [api] [proxy] [pods] [network] [rules]: what `make bench` runs; the last three need the lab."""

from __future__ import annotations

import subprocess
import sys

from tests.bench import api, network, pods, proxy, rules
from tests.bench.tools import RESULTS, CannotMeasure

BENCHES = {"api": api.main, "proxy": proxy.main, "pods": pods.main, "network": network.main, "rules": rules.main}


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHES)
    RESULTS.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in wanted:
        if name not in BENCHES:
            print(f"bench: there is no {name!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
            return 2
        print(f"\n======== {name}", flush=True)
        try:
            BENCHES[name]()
        except (CannotMeasure, subprocess.SubprocessError) as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
