"""The lab's driver is not installed: it is run from vagrant/."""

import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
sys.path.insert(0, str(PROJECT / "vagrant"))
