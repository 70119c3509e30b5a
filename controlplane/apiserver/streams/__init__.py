"""exec, attach, port-forward, logs and watches for callers of every age; nodes are spoken to in one way only.

    caller                                             this room              node
    WebSocket v5, v4                                   carried as it is   ─►  WebSocket v5, v4
    WebSocket channel, base64.channel, none            channels.py        ─►  WebSocket v4
    SPDY/3.1 (kubectl before 1.31, client-go)          spdy_channels.py   ─►  WebSocket v5
    port-forward: SPDY/3.1                             port_forward.py    ─►  SPDY inside WebSocket messages
    port-forward: WebSocket v4 (Python, JavaScript)    port_forward.py    ─►  SPDY inside WebSocket messages
    a watch or a log as WebSocket (browsers)           messages.py            our own stream

Nothing is kept: a side that does not read stops the other. What a session is about, the node knows.
"""
