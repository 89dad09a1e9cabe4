#!/bin/sh
# Runs once in the new host's file system, before it boots.
set -eu
(umask 077 && printf '@vpn-d.lab.test @%s.lab.test : PSK "lab psk 0123456789"\n' vpn-b rider >/etc/ipsec.secrets)
mkdir -p /etc/systemd/system/strongswan-starter.service.d
printf '[Service]\nExecStartPre=/usr/bin/ip address replace 10.92.4.1/32 dev lo\n' >/etc/systemd/system/strongswan-starter.service.d/lab.conf
systemctl enable strongswan-starter.service >/dev/null 2>&1
rm /root/lab-setup.sh
