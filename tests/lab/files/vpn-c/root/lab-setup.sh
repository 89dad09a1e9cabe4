#!/bin/sh
# Runs once in the new host's file system, before it boots.
set -eu
(umask 077 && printf '@vpn-c.lab.test @vpn-b.lab.test : PSK "lab psk 0123456789"\n' >/etc/ipsec.d/site.secrets)
systemctl enable ipsec.service >/dev/null 2>&1
rm /root/lab-setup.sh
