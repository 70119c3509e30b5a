"""How large a packet may be inside the tunnel."""

from __future__ import annotations

VXLAN_OVERHEAD = 30  # inner Ethernet 14, VXLAN 8, UDP 8: RFC 7348, section 5
IP_HEADER = {4: 20, 6: 40}  # the outer IP header, by version


def overlay_mtu(underlay_mtu: int, ip_version: int) -> int:
    """Return the largest packet, in bytes, that a pod may send through the tunnel."""
    return underlay_mtu - VXLAN_OVERHEAD - IP_HEADER[ip_version]
