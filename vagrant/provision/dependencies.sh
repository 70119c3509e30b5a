#!/bin/sh
# /opt/sampan: a virtual environment with the locked Python dependencies, uv and kubectl. From wheels, without network.
set -eu
project=${PROJECT:-/vagrant}
target=/opt/sampan

wheelhouse=$project/.cache/wheelhouse
if [ ! -e "$wheelhouse/.fingerprint" ]; then
    # A virtual machine whose host could not make the wheels (another system than Linux): make them here.
    wheelhouse=/var/cache/sampan/wheelhouse
    apt-get install -q=2 -y --no-install-recommends gcc libc6-dev python3-dev python3-venv
    [ -x /var/cache/sampan/python/bin/python ] || python3 -m venv /var/cache/sampan/python
    PYTHON=/var/cache/sampan/python/bin/python "$project/vagrant/wheelhouse" "$wheelhouse"
fi

stamp=$target/.dependencies
[ "$(cat $stamp 2>/dev/null)" != "$(cat "$wheelhouse/.fingerprint")" ] || exit 0

# uv's wheel is a zip file with one static program in it.
install -d $target/bin
python3 - "$wheelhouse"/uv-*.whl $target/bin/uv <<'PYTHON'
import pathlib, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith(".data/scripts/uv"))
    program = pathlib.Path(sys.argv[2])
    program.write_bytes(wheel.read(name))
    program.chmod(0o755)
PYTHON

export UV_NO_CACHE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_OFFLINE=1
$target/bin/uv venv --quiet --allow-existing --python /usr/bin/python3 $target
# The hashes were checked when the wheelhouse was made; python-iptables was compiled then, so its wheel has another one.
$target/bin/uv pip install --quiet --python $target/bin/python --no-index --find-links "$wheelhouse" --no-verify-hashes \
    --compile-bytecode -r "$project/requirements.txt" -r "$wheelhouse/kubectl.txt"
ln -sf $target/bin/kubectl /usr/local/bin/kubectl
cp "$wheelhouse/.fingerprint" $stamp
