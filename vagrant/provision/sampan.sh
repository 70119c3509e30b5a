#!/bin/sh
# Sampan itself: its package into /opt/sampan, its commands onto the PATH, its units into systemd.
set -eu
target=/opt/sampan
wheels=$PROJECT/.cache/dist
units=/etc/systemd/system
changed=no

if [ ! -e "$wheels/.fingerprint" ]; then # the host could not build it: see dependencies.sh
    wheels=/var/cache/sampan/dist
    PYTHON=/var/cache/sampan/python/bin/python "$PROJECT/vagrant/wheel" $wheels
fi

installed=$(cat $target/.sampan 2>/dev/null || true)
wanted=$(cat "$wheels/.fingerprint")
if [ "$installed" != "$wanted" ]; then
    export UV_NO_CACHE=1 UV_LINK_MODE=copy UV_OFFLINE=1
    $target/bin/uv pip install --quiet --python $target/bin/python --no-index --no-deps --reinstall "$wheels"/sampan-*.whl
    # Compiled now, so that no unit spends its start on it, and sandboxed ones cannot write it.
    $target/bin/python -m compileall -q $target/lib/python3*/site-packages/controlplane $target/lib/python3*/site-packages/nodeagent
    echo "$wanted" >$target/.sampan
    changed=yes
fi
for command in controlplane nodeagent; do
    ln -sf $target/bin/$command /usr/local/bin/$command
done

for unit in "$PROJECT"/systemd/*.service; do
    if ! cmp -s "$unit" "$units/${unit##*/}"; then
        install -m 0644 "$unit" "$units/"
        changed=yes
    fi
done

# A running unit goes on with the program it was started with: give it the new one.
if [ $changed = yes ]; then
    systemctl daemon-reload
    systemctl try-restart 'sampan-*.service' || echo "sampan.sh: a unit did not come back; the next scripts start it, or say why" >&2
fi
