#!/bin/sh
# Runs once in the new host's file system, before it boots: what the two ends of the tunnel do not have in common.
set -eu
me=$(sed 's/.*root@//' /etc/ssh/ssh_host_ed25519_key.pub)
case $me in vpn-a) peer=vpn-b here=18 there=19 net=1 far=2 start=start ;; vpn-e) peer=vpn-b here=23 there=19 net=5 far=2 start=none ;; *) peer=vpn-a here=19 there=18 net=2 far=1 start=none ;; esac
cat >/etc/swanctl/conf.d/site.conf <<CONF
connections {
  site {
    version = 2
    local_addrs = 10.91.0.$here
    remote_addrs = 10.91.0.$there
    proposals = aes256gcm16-prfsha384-x25519 # as agreed with the other side
    local {
      auth = psk
      id = $me.lab.test
    }
    remote {
      auth = psk
      id = $peer.lab.test
    }
    children {
      net {
        local_ts = 10.92.$net.1/32
        remote_ts = 10.92.$far.1/32
        esp_proposals = aes256gcm16-x25519
        start_action = $start
      }
    }
  }
}
CONF
(umask 077 && printf 'secrets {\n  ike-site {\n    id-a = vpn-a.lab.test\n    id-b = vpn-b.lab.test\n    id-e = vpn-e.lab.test\n    secret = "lab psk 0123456789"\n  }\n}\n' >/etc/swanctl/conf.d/secrets.conf)
mkdir -p /etc/systemd/system/strongswan.service.d
printf '[Service]\nExecStartPre=/usr/bin/ip address replace 10.92.%s.1/32 dev lo\n' "$net" >/etc/systemd/system/strongswan.service.d/lab.conf
systemctl enable strongswan.service >/dev/null 2>&1
rm /root/lab-setup.sh
