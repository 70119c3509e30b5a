#!/bin/sh
# Fill the lab's registry with the images built on the host. Runs on the master.
set -eu
images=$PROJECT/.cache/images
namespace=lab # of containerd: apart from k8s.io, so that the nodes still have to pull

# The digest of an image's manifest, from its tar and from the registry.
built() { tar -xOf "$1" index.json | python3 -c 'import json, sys; print(json.load(sys.stdin)["manifests"][0]["digest"])'; }
pushed() {
    curl -s --head --header 'Accept: application/vnd.oci.image.manifest.v1+json' "https://$REGISTRY/v2/$1/manifests/1" |
        sed -n 's/^docker-content-digest: *\([^ \r]*\).*/\1/pI'
}

for tar in "$images"/*.tar; do
    [ -e "$tar" ] || exit 0
    name=$(basename "$tar" .tar)
    [ "$name" != pause ] || continue
    [ "$(built "$tar")" != "$(pushed "$name")" ] || continue
    ctr -n $namespace images import --no-unpack "$tar" >/dev/null
    ctr -n $namespace images push "$REGISTRY/$name:1" >/dev/null
    ctr -n $namespace images rm "$REGISTRY/$name:1" >/dev/null
done
