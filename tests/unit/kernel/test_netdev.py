"""/proc/PID/net/dev."""

from __future__ import annotations

from pathlib import Path

from nodeagent.kernel.netdev import Interface, interfaces

TEXT = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo:    10       1    0    0    0     0          0         0       10       1    0    0    0     0       0
  eth0: 18324520394 300 2 3    0     0          0         4     500      60    7    8    0     0       0          0
"""


def test_both_ways_are_read(tmp_path: Path) -> None:
    (tmp_path / "17/net").mkdir(parents=True)
    (tmp_path / "17/net/dev").write_text(TEXT)
    eth0, lo = interfaces("17", tmp_path)
    assert eth0 == Interface("eth0", 18324520394, 300, 2, 3, 500, 60, 7, 8)
    assert lo.name == "lo"


def test_a_process_that_has_ended_shows_none(tmp_path: Path) -> None:
    assert interfaces("17", tmp_path) == ()
