#!/bin/sh
# Runs once in the new host's file system, before it boots: puts the keys of the pair where they belong.
set -eu
umask 077
cd /root/keys
mkdir -m 755 /etc/openvpn/tls
install -m 644 /usr/local/share/ca-certificates/quantumsafe-lab.crt /etc/openvpn/tls/ca.crt
install -m 644 ec.crt /etc/openvpn/tls/server.crt
install -m 600 ec.key /etc/openvpn/tls/server.key
install -m 600 static.key /etc/openvpn/server/static.key
for n in 0 1; do
    {
        printf '[Interface]\nAddress = 10.9%s.0.1/24\nListenPort = 5182%s\nPrivateKey = %s\n\n' "$((n + 5))" "$n" "$(cat tun-a.key)"
        printf '[Peer]\n# tun-b\nPublicKey = %s\n' "$(cat tun-b.pub)"
        [ "$n" = 0 ] || printf 'PresharedKey = %s\n' "$(cat psk)"
        printf 'AllowedIPs = 10.9%s.0.2/32\n' "$((n + 5))"
    } >/etc/wireguard/wg$n.conf
    systemctl -q enable "wg-quick@wg$n"
done
systemctl -q enable openvpn-server@site
rm -r /root/keys /root/lab-setup.sh
