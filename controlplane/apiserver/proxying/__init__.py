"""Requests that the server passes on: to pods, Services, nodes and extension API servers. It carries and does not look.

    a request ──► target.py   which pod, Service and port        ┐
                  headers.py  what may go on, and whose name it is in   ├──► forward.py ──► dialer.py ──► client.py
                  location.py links that must lead back through us ┘     (a stream, or a tunnel)

Bodies flow both ways a piece at a time, and only as fast as the slower side reads: nothing is kept. An upgrade is
handed over as bytes, so that WebSocket, SPDY and whatever comes next all work.
"""
