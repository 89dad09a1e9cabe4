# shellcheck shell=bash
# fleet.sh: make the hosts from their images and their initial configuration, wait for them, tell about them.

plain_names() { # N -> plain-01 ... plain-N
  local number
  for ((number = 1; number <= $1; number++)); do printf 'plain-%02d\n' "$number"; done
}

put() { # MODE SOURCE TARGET
  mkdir -p "$(dirname "$3")"
  install -m "$1" "$2" "$3"
}

# What a host has beyond its image, as one tar with the right owners: configuration, keys, users' ssh access, identity.
# Cached; the name carries a digest of all that goes in.
overlay_make() { # HOST -> $STATE/hosts/HOST/overlay-DIGEST.tar
  # shellcheck disable=SC2153  # STATE is the lab's folder
  local host=$1 own=$STATE/hosts/$1 files root file user uid=2001 out kinds=(ec) kind
  make_host_keys "$host" || die "ssh-keygen could not make host keys for $host in $own"
  files=$(host_files "$host")
  if [[ $files ]]; then
    if [[ $files == web-include || $files == web-legacy ]]; then kinds=(ec rsa); fi
    for kind in "${kinds[@]}"; do
      make_certificate "$host" "$kind" || die "openssl could not make a certificate for $host in $own"
    done
  fi
  if [[ $files == tun-* ]]; then make_tunnel_keys || die "openssl could not make keys in $STATE/tunnel"; fi
  out=$own/overlay-$({
    cat "$own"/ssh/* "$STATE/id_ed25519.pub" "$STATE/ca/ca.crt"
    [[ $host == client ]] && known_hosts "${BASE_HOSTS[@]}"
    declare -f overlay_make put
    if [[ $files ]]; then
      cat "$own"/tls/*
      if [[ $files == tun-* ]]; then cat "$STATE"/tunnel/*; fi
      cd "$HERE/files/$files" && find . -type f | sort | xargs sha256sum
    fi
  } | sha256sum | cut -c1-12).tar
  OVERLAY=$out
  [[ -s $out ]] && return 0
  root=$own/root
  rm -rf "$root" "$own"/overlay-*.tar
  mkdir -p "$root/etc/ssh" "$root/root" "$root/home"
  printf '%s' "quantumsafe-lab $host" | md5sum | cut -c1-32 > "$root/etc/machine-id"
  chmod 444 "$root/etc/machine-id"
  for file in "$own"/ssh/*; do
    if [[ $file == *.pub ]]; then put 644 "$file" "$root/etc/ssh/${file##*/}"; else put 600 "$file" "$root/etc/ssh/${file##*/}"; fi
  done
  put 644 "$STATE/ca/ca.crt" "$root/usr/local/share/ca-certificates/quantumsafe-lab.crt"
  put 600 "$STATE/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
  chmod 700 "$root/root/.ssh" "$root/root"
  for user in ops opspw opsdoas opstty nopriv noisy; do
    put 600 "$STATE/id_ed25519.pub" "$root/home/$user/.ssh/authorized_keys"
    chmod 700 "$root/home/$user/.ssh" "$root/home/$user"
    chown -R "$uid:$uid" "$root/home/$user"
    uid=$((uid + 1))
  done
  if [[ $host == client ]]; then # the judge has the key too, to log in where it looks
    put 600 "$STATE/id_ed25519" "$root/root/.ssh/id_ed25519"
    known_hosts "${BASE_HOSTS[@]}" > "$root/etc/ssh/ssh_known_hosts"
  fi
  while [[ $files ]] && read -r file; do
    put 644 "$HERE/files/$files/$file" "$root/$file"
  done < <(cd "$HERE/files/$files" && find . -type f -printf '%P\n')
  if [[ $files == services ]]; then # HAProxy wants both in one file; PostgreSQL wants its key to be its own: lab-setup.sh
    put 644 "$own/tls/ec.crt" "$root/etc/postgresql/tls/server.crt"
    put 600 "$own/tls/ec.key" "$root/etc/postgresql/tls/server.key"
    put 600 <(cat "$own/tls/ec.crt" "$own/tls/ec.key") "$root/etc/haproxy/tls/site.pem"
  elif [[ $files == tun-* ]]; then # lab-setup.sh puts them where they belong
    for file in "$own"/tls/ec.* "$STATE"/tunnel/*; do put 600 "$file" "$root/root/keys/${file##*/}"; done
  elif [[ $files && $files != vpn* ]]; then
    put 644 "$own/tls/ec.crt" "$root/etc/nginx/tls/server.crt"
    put 600 "$own/tls/ec.key" "$root/etc/nginx/tls/server.key"
    if [[ -s $own/tls/rsa.crt ]]; then
      put 644 "$own/tls/rsa.crt" "$root/etc/nginx/tls/server-rsa.crt"
      put 600 "$own/tls/rsa.key" "$root/etc/nginx/tls/server-rsa.key"
    fi
    # The web hosts' own page, and Debian's way of switching a site on.
    mkdir -p "$root/var/www/html" "$root/etc/nginx/sites-enabled"
    echo "quantumsafe lab $host" > "$root/var/www/html/index.html"
    for file in "$root"/etc/nginx/sites-available/*; do
      [[ -e $file ]] && ln -s "../sites-available/${file##*/}" "$root/etc/nginx/sites-enabled/${file##*/}"
    done
    if [[ $files == web-include ]]; then # made here, since editors and git like to mend such things
      sed -i 's/$/\r/' "$root/etc/ssh/sshd_config.d/90-old.conf"
      truncate -s -1 "$root/etc/ssh/sshd_config.d/10-site.conf"
    fi
  fi
  tar --numeric-owner --sort=name --mtime=@1767225600 --format=posix -C "$root" -cf "$out.new" . && mv "$out.new" "$out"
  rm -rf "$root"
}

fleet_add() { # HOST... beside those that run: those of SERVICE_HOSTS
  local host
  for host in "$@"; do
    images_build "$(host_image "$host")"
    images_import "$(host_image "$host")" || die "podman cannot import the image of $host: see $STATE/logs and the disk space in $STATE"
    make_host_keys "$host" || die "ssh-keygen could not make host keys in $STATE/hosts/$host"
    grep -q ",$host " "$STATE/known_hosts" || known_hosts "$host" >> "$STATE/known_hosts"
  done
  fleet_make "$@" && fleet_wait "$@"
}

fleet_running() { # names of the lab's own hosts that run
  local name
  for name in $(in_ns podman ps --format '{{.Names}}' | sort); do
    host_address "$name" > /dev/null && echo "$name"
  done
  return 0
}

fleet_make() { # HOST... : each anew from its image
  local host lines=()
  for host in "$@"; do
    overlay_make "$host" || return 1
    lines+=("$host $(host_address "$host") $(image_ref "$(host_image "$host")") $OVERLAY")
  done
  # Immutable files of a test would keep podman from removing the old one.
  # shellcheck disable=SC2016  # expanded by the inner shell
  in_ns bash -c '
    log=$1; shift
    names=("${@%% *}")
    if ! podman rm -f -i -t 0 "${names[@]}" > /dev/null 2> "$log"; then
      for name in "${names[@]}"; do
        upper=$(podman inspect --format "{{.GraphDriver.Data.UpperDir}}" "$name" 2>/dev/null) && chattr -R -f -i -a "$upper"
      done
      podman rm -f -i -t 0 "${names[@]}" > /dev/null 2>> "$log" || exit 1
    fi
    one() {
      read -r name address image overlay <<< "$1"
      podman create --name "$name" --hostname "$name" --ip "$address" --mac-address "$(printf "0a:51:00:00:00:%02x" "${address##*.}")" --label quantumsafe.lab=1 "$image" > /dev/null &&
        root=$(podman mount "$name") && tar -xp --numeric-owner -C "$root" -f "$overlay" &&
        { [ "$name" != client ] || chroot "$root" update-ca-certificates > /dev/null; } &&
        { ! [ -e "$root/root/lab-setup.sh" ] || chroot "$root" sh /root/lab-setup.sh; } && podman umount "$name" > /dev/null &&
        podman start "$name" > /dev/null
    }
    again() { # podman loses a race now and then when others use the same store
      one "$1" && return
      podman rm -f -i -t 0 "${1%% *}" > /dev/null && one "$1"
    }
    # Three at a time.  Each is asked by its number: of two that end together "wait -n" may miss one, and then says 127.
    failed=0 pids=()
    for line; do
      [ "${#pids[@]}" -lt 3 ] || wait "${pids[-3]}"
      again "$line" 2>> "$log" & pids+=("$!")
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    exit "$failed"' _ "$STATE/logs/make.log" "${lines[@]}" ||
    { say "podman: $(grep -v -e '^$' -e rehash "$STATE/logs/make.log" | tail -n 1)"; return 1; }
}

lab_ssh() { # HOST CMD...
  local address
  address=$(host_address "$1") || return 1
  shift
  ssh -F none -n -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=yes -o LogLevel=ERROR \
    -o UserKnownHostsFile="$STATE/known_hosts" -o IdentitiesOnly=yes -i "$STATE/id_ed25519" "root@$address" "$@" 9>&-
}

host_ready() { # HOST: a key login works, systemd is content, nginx answers. No half-done connections to sshd:
  # OpenSSH 9.8 and later shut such a peer out for a while.
  local host=$1 state deadline=$((SECONDS + 60))
  while ((SECONDS < deadline)); do
    state=$(lab_ssh "$host" systemctl is-system-running --wait 2>&1)
    case $state in running | degraded) break ;; esac
    sleep 0.2
  done
  if [[ $state != running ]]; then
    say "$host: ${state//$'\n'/; } $(lab_ssh "$host" systemctl --failed --plain --no-legend 2> /dev/null | awk '{print $1}' | tr '\n' ' ')"
    [[ $state == degraded ]] || return 1
  fi
  [[ $host == client || $host == tun-* || $host == vpn-* ]] && return 0
  while ((SECONDS < deadline)); do
    (exec 3<> "/dev/tcp/$(host_address "$host")/443") 2> /dev/null && return 0
    sleep 0.2
  done
  say "$host: nothing answers on port 443; 'lab exec $host journalctl -u nginx' says why"
  return 1
}

fleet_wait() { # HOST...
  local host pid failed=0 pids=()
  for host in "$@"; do
    [[ ${#pids[@]} -lt 8 ]] || wait "${pids[-8]}" || :
    host_ready "$host" 9>&- &
    pids+=("$!")
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return "$failed"
}

fleet_up() { # [N plain hosts]; what runs from the right image stays, the rest is made anew
  local host wanted=("${BASE_HOSTS[@]}") wanted_keys=() plain=() missing=() extra=() ref state
  declare -A have=()
  while read -r host ref state; do
    [[ ${state,,} == up* || ${state,,} == running* ]] && state=up
    have[$host]="$ref $state"
  done < <(in_ns podman ps -a --format '{{.Names}} {{.Image}} {{.State}}')
  if [[ $1 ]]; then
    mapfile -t plain < <(plain_names "$((10#$1))")
  else
    for host in "${!have[@]}"; do [[ $host == plain-* ]] && plain+=("$host"); done
    [[ ${#plain[@]} -gt 0 ]] && mapfile -t plain < <(printf '%s\n' "${plain[@]}" | sort)
  fi
  wanted+=("${plain[@]}")
  for host in "${!have[@]}"; do
    [[ $host == plain-* && " ${plain[*]} " != *" $host "* ]] && extra+=("$host")
  done
  [[ ${#extra[@]} -gt 0 ]] && in_ns podman rm -f -i -t 0 "${extra[@]}" > /dev/null
  make_controller_key
  make_ca
  for host in "${wanted[@]}"; do
    [[ ${have[$host]:-} == "$(image_ref "$(host_image "$host")") up" ]] || missing+=("$host")
    make_host_keys "$host" || die "ssh-keygen could not make host keys in $STATE/hosts/$host"
  done
  for host in "${SERVICE_HOSTS[@]}"; do [[ -d $STATE/hosts/$host/ssh ]] && wanted_keys+=("$host"); done
  known_hosts "${wanted[@]}" "${wanted_keys[@]}" > "$STATE/known_hosts.new" && mv "$STATE/known_hosts.new" "$STATE/known_hosts"
  if [[ ${#missing[@]} -gt 0 ]]; then
    say "starting ${missing[*]}"
    fleet_make "${missing[@]}" || return 1
    images_prune
  fi
  write_plain_inventory "${plain[@]}"
  fleet_wait "${wanted[@]}"
}

write_plain_inventory() { # HOST...
  local host known="$STATE/known_hosts"
  {
    echo '# Written by "lab up". Use it beside inventories/lab.  Its connection settings without templates, as in most inventories: the bench uses it.'
    echo "# They stand at each host: at the group, inventories/lab/group_vars would have the last word."
    echo 'plain:'
    if [[ $# -eq 0 ]]; then echo '  hosts: {}'; else echo '  hosts:'; fi
    for host in "$@"; do
      printf '    %s:\n      ansible_host: %s\n' "$host" "$(host_address "$host")"
      printf '      ansible_ssh_private_key_file: "%s"\n' "$STATE/id_ed25519"
      printf '      ansible_ssh_common_args: "-F none -o StrictHostKeyChecking=yes -o UserKnownHostsFile=%s -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"\n' "$known"
    done
  } > "$STATE/inventory-plain.yml.new"
  mv "$STATE/inventory-plain.yml.new" "$STATE/inventory-plain.yml"
}

fleet_status() {
  local host state image ssh ssl nginx rows=()
  # shellcheck disable=SC2016  # expanded on the host
  local ask='s=$(sshd -V 2>&1 | grep -o "OpenSSH_[^ ,]*"); [ "$s" ] || s=$(ssh -V 2>&1 | cut -d" " -f1)
    o=$(openssl version | cut -d" " -f2); n=$(nginx -v 2>&1 | sed -n "s,.*nginx/,,p")
    echo "$(systemctl is-system-running) ${s#OpenSSH_} ${o:--} ${n:--}"'
  mapfile -t rows < <(in_ns podman ps -a --filter label=quantumsafe.lab=1 --format '{{.Names}} {{.Image}} {{.State}}' | sort)
  printf '%-12s %-12s %-12s %-10s %-10s %-9s %s\n' HOST ADDRESS IMAGE STATE OPENSSH OPENSSL NGINX
  for host in "${rows[@]}"; do
    read -r host image state <<< "$host"
    image=${image#localhost/lab/}
    if [[ ${state,,} == up* || ${state,,} == running* ]]; then
      read -r state ssh ssl nginx < <(in_ns podman exec "$host" sh -c "PATH=/usr/sbin:\$PATH; $ask" 2> /dev/null)
    else
      ssh=- ssl=- nginx=-
    fi
    printf '%-12s %-12s %-12s %-10s %-10s %-9s %s\n' "$host" "$(host_address "$host")" "${image%%:*}" "$state" "$ssh" "$ssl" "$nginx"
  done
}
