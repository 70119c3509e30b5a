"""The only door to containerd: the Container Runtime Interface v1 and containerd's event stream, over one unix socket.

    channel.py   the connection, and from gRPC's failures to errors.py's vocabulary
    runtime.py   sandboxes and containers        images.py   images and their file system
    events.py    "this container exited"         records.py  what the runtime reports, as frozen values

What we send (sandbox and container configurations) are the protocol's own messages from `cri_pb2`; what comes back are
values that can be compared, hashed and kept. The room decides nothing and knows neither Pods nor the API.

`cri.proto` and `containerd_events.proto` are reduced by hand to what we use. After changing one:

    python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. nodeagent/cri/*.proto
"""
