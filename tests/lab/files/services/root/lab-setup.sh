#!/bin/sh
# Runs once in the new host's file system, before it boots: what depends on the release of PostgreSQL and on its user's number.
set -eu
chown postgres: /etc/postgresql/tls/server.key
for cluster in /etc/postgresql/*/main; do
    printf "listen_addresses = '*'\nssl = on\nssl_cert_file = '/etc/postgresql/tls/server.crt'\nssl_key_file = '/etc/postgresql/tls/server.key'\n" >"$cluster/conf.d/site.conf"
    echo 'hostssl all all 10.91.0.0/24 scram-sha-256' >>"$cluster/pg_hba.conf"
done
rm /root/lab-setup.sh
