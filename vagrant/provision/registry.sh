#!/bin/sh
# The lab's image registry, on the master: Debian's docker-registry over TLS, with a certificate authority of its own.
# Its CA goes to the other machines through the shared directory.
set -eu
shared=$PROJECT/.lab/shared
tls=/etc/docker/registry/tls
config=/etc/docker/registry/config.yml
name=${REGISTRY%%:*}
port=${REGISTRY##*:}

if [ ! -e $tls/registry.crt ]; then
    install -d -o docker-registry -m 0700 $tls
    key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
    key $tls/ca.key
    openssl req -x509 -new -key $tls/ca.key -days 3650 -subj "/CN=lab registry CA" -out $tls/ca.crt
    key $tls/registry.key
    printf 'subjectAltName = DNS:%s, IP:%s\nextendedKeyUsage = serverAuth\n' "$name" "$MASTER_IP" >$tls/extensions
    openssl req -new -key $tls/registry.key -subj "/CN=$name" |
        openssl x509 -req -days 3650 -CA $tls/ca.crt -CAkey $tls/ca.key -CAcreateserial -extfile $tls/extensions -out $tls/registry.crt
    chown docker-registry $tls/registry.key $tls/registry.crt
fi

cat >$config.new <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: /var/lib/docker-registry}
  delete: {enabled: true}
http:
  addr: $MASTER_IP:$port
  tls: {certificate: $tls/registry.crt, key: $tls/registry.key}
YAML
if cmp -s $config.new $config; then
    rm $config.new
    systemctl enable --quiet --now docker-registry.service
else
    mv $config.new $config
    systemctl enable --quiet docker-registry.service
    systemctl restart docker-registry.service
fi

install -d "$shared"
install -m 0644 $tls/ca.crt "$shared/registry-ca.crt.new"
mv "$shared/registry-ca.crt.new" "$shared/registry-ca.crt"
