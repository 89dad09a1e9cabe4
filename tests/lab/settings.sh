# shellcheck shell=bash disable=SC2034
# settings.sh: the facts of the lab in one place: where it keeps things, who is in it, what it is made of.

STATE=${AGILITY_LAB:-/var/tmp/quantumsafe-lab}
[[ $STATE == /* ]] || STATE=$PWD/$STATE

# Everything that must not outlive the running lab (podman's idea of "since boot") is kept apart from the state
# folder and is thrown away whenever the lab starts afresh. The tag keeps two state folders apart.
LAB_TAG=$(printf %s "$STATE" | sha256sum | cut -c1-8)
RUN_DIR=/run/quantumsafe-lab-$LAB_TAG
HOLDER=quantumsafe-lab-holder-$LAB_TAG
CGROUP=quantumsafe-lab-$LAB_TAG
BRIDGE=qslab0
NET=10.91.0
OWNER_NOTE=/run/quantumsafe-lab.owner
MAX_PLAIN=150
INOTIFY_INSTANCES=8192

# Lab-only constants; inventories/lab and the image recipe use the same values. They open nothing else.
LAB_USER_PASSWORD=lab-pw-1
LAB_ROOT_PASSWORD=lab-root-1

WEB_HOSTS=(web-new web-old web-legacy web-bare web-include)
BASE_HOSTS=("${WEB_HOSTS[@]}" client)
SERVICE_HOSTS=(svc-new svc-next vpn-a vpn-b vpn-c vpn-d vpn-e vpn-f vpn-g tun-a tun-b tun-c) # started by 'lab host NAME'
IMAGES=(trixie bookworm bullseye trixie-bare client)
ON_DEMAND=(strongswan strongswan-new strongswan-legacy strongswan-legacy-new libreswan sysvinit services services-new tunnels tunnels-new acme) # made by 'lab image NAME' for the tests that want one; 'lab up' does without

host_address() { # HOST -> its fixed address
  case $1 in
    web-new) echo "$NET.11" ;;
    web-old) echo "$NET.12" ;;
    web-legacy) echo "$NET.13" ;;
    web-bare) echo "$NET.14" ;;
    web-include) echo "$NET.15" ;;
    svc-new) echo "$NET.16" ;;
    svc-next) echo "$NET.17" ;;
    vpn-a) echo "$NET.18" ;;
    vpn-b) echo "$NET.19" ;;
    client) echo "$NET.20" ;;
    vpn-c) echo "$NET.21" ;;
    vpn-d) echo "$NET.22" ;;
    vpn-e) echo "$NET.23" ;;
    vpn-f) echo "$NET.24" ;;
    vpn-g) echo "$NET.25" ;;
    tun-a) echo "$NET.26" ;;
    tun-b) echo "$NET.27" ;;
    tun-c) echo "$NET.28" ;;
    plain-[0-9]*) echo "$NET.$((100 + 10#${1#plain-}))" ;;
    *) return 1 ;;
  esac
}

host_image() { # HOST -> the name of its image
  case $1 in
    web-old) echo bookworm ;;
    web-legacy) echo bullseye ;;
    web-bare) echo trixie-bare ;;
    svc-new) echo services ;;
    svc-next) echo services-new ;;
    tun-a | tun-c) echo tunnels ;;
    tun-b) echo tunnels-new ;;
    vpn-c | vpn-f) echo libreswan ;;
    vpn-d) echo strongswan-legacy ;;
    vpn-g) echo strongswan-legacy-new ;;
    vpn-*) echo strongswan-new ;;
    client) echo client ;;
    *) echo trixie ;;
  esac
}

host_files() { # HOST -> the folders under files/ that make its initial configuration
  case $1 in
    web-old | web-legacy | web-include) echo "$1" ;;
    svc-*) echo services ;;
    tun-*) echo "$1" ;;
    vpn-c | vpn-f) echo vpn-c ;;
    vpn-d | vpn-g) echo vpn-d ;;
    vpn-*) echo vpn ;;
    client) ;;
    *) echo modern ;;
  esac
}

host_names() { # HOST -> further names in its certificate
  echo "$1.lab.test"
  if [[ $1 == web-include ]]; then printf '%s\n' shop.lab.test api.lab.test old.lab.test admin.lab.test; fi
}

# What an image holds: "SUITE PACKAGES..." Distribution packages only.
image_recipe() { # NAME
  local base=(systemd systemd-sysv dbus mount passwd openssh-server openssh-client sudo openssl ca-certificates
    iproute2 iputils-ping procps nftables acl attr e2fsprogs)
  local swan=(strongswan-swanctl charon-systemd libstrongswan-standard-plugins libstrongswan-extra-plugins libcharon-extra-plugins)
  local tunnels=(openvpn wireguard-tools wireguard-go)
  local other=(opendoas python3 haproxy postgresql softhsm2 pkcs11-provider)
  case $1 in
    trixie) echo trixie "${base[@]}" opendoas nginx python3 ;;
    bookworm) echo bookworm "${base[@]}" opendoas nginx python3 ;;
    bullseye) echo bullseye "${base[@]}" doas nginx python3 ;;
    trixie-bare) echo trixie "${base[@]}" opendoas nginx ;;
    client) echo trixie "${base[@]}" opendoas python3 ssh-audit curl ;;
    strongswan) echo trixie "${base[@]}" opendoas "${swan[@]}" ;;
    strongswan-new) echo forky "${base[@]}" opendoas "${swan[@]}" ;;
    strongswan-legacy) echo bookworm "${base[@]}" opendoas strongswan-starter strongswan-charon "${swan[@]:2}" ;; # ipsec.conf, stroke
    strongswan-legacy-new) echo forky "${base[@]}" opendoas strongswan-starter strongswan-charon "${swan[@]:2}" ;;
    libreswan) echo trixie "${base[@]}" opendoas libreswan ;;
    services) echo trixie "${base[@]}" "${other[@]}" ;;
    services-new) echo forky "${base[@]}" nginx "${other[@]}" ;; # its nginx takes keys from PKCS#11
    tunnels) echo trixie "${base[@]}" opendoas "${tunnels[@]}" ;;
    tunnels-new) echo forky "${base[@]}" opendoas "${tunnels[@]}" ;;
    acme) echo bookworm "${base[@]}" pebble ;; # Let's Encrypt's test server of ACME, with a name server that can be told what to say
    sysvinit) echo bookworm sysvinit-core sysv-rc initscripts "${base[@]/systemd-sysv/}" nginx ;; # systemctl is for image-setup.sh
    *) return 1 ;;
  esac
}

say() { printf 'lab: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
