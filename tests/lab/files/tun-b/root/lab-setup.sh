#!/bin/sh
# Runs once in the new host's file system, before it boots: puts the keys of the pair where they belong.
set -eu
umask 077
cd /root/keys
block() { printf '<%s>\n' "$1" && cat "$2" && printf '</%s>\n' "$1"; }
{
    block ca /usr/local/share/ca-certificates/quantumsafe-lab.crt
    block cert ec.crt
    block key ec.key
    block tls-crypt static.key
} >>/etc/openvpn/client/site.conf
chmod 600 /etc/openvpn/client/site.conf
for n in 0 1; do
    {
        printf '[Interface]\nAddress = 10.9%s.0.2/24\nPrivateKey = %s\n\n' "$((n + 5))" "$(cat tun-b.key)"
        printf '[Peer]\n# tun-a\nPublicKey = %s\n' "$(cat tun-a.pub)"
        [ "$n" = 0 ] || printf 'PresharedKey = %s\n' "$(cat psk)"
        printf 'AllowedIPs = 10.9%s.0.1/32\nEndpoint = 10.91.0.26:5182%s\nPersistentKeepalive = 1\n' "$((n + 5))" "$n"
    } >/etc/wireguard/wg$n.conf
    systemctl -q enable "wg-quick@wg$n"
done
systemctl -q enable openvpn-client@site
rm -r /root/keys /root/lab-setup.sh
