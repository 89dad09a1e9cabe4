#!/bin/sh
# Runs once in the new host's file system, before it boots.
set -eu
me=$(sed 's/.*root@//' /etc/ssh/ssh_host_ed25519_key.pub) net=4
if [ "$me" = vpn-g ]; then
    net=6
    sed -i 's/vpn-d/vpn-g/; s/10\.91\.0\.22/10.91.0.25/; s/10\.92\.4\.1/10.92.6.1/' /etc/ipsec.conf
fi
(umask 077 && printf "@$me.lab.test @%s.lab.test : PSK \"lab psk 0123456789\"\n" vpn-b rider >/etc/ipsec.secrets)
mkdir -p /etc/systemd/system/strongswan-starter.service.d
printf '[Service]\nExecStartPre=/usr/bin/ip address replace 10.92.%s.1/32 dev lo\n' "$net" >/etc/systemd/system/strongswan-starter.service.d/lab.conf
systemctl enable strongswan-starter.service >/dev/null 2>&1
rm /root/lab-setup.sh
