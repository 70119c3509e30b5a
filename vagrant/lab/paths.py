"""Where things are. Cached things outlive `make lab-down`, state does not."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VAGRANT = PROJECT / "vagrant"
CACHE = PROJECT / ".cache"
STATE = PROJECT / ".lab"

# The project as a machine sees it: Vagrant's default for its synced folder, a read-only bind mount under nspawn.
INSIDE = Path("/vagrant")

# The one directory that machines write and the others read: the registry's CA and the join token.
SHARED = STATE / "shared"
