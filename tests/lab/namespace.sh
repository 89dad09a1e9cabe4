# shellcheck shell=bash
# namespace.sh: a private mount namespace in which podman works, kept open by one sleeping process (the holder).
# The network is the machine's own: the controller reaches the hosts over the bridge.

write_settings() { # podman's configuration, the runtime wrapper, the network: rewritten every time, they are cheap
  mkdir -p "$STATE"/{conf,bin,net,hosts,images,logs,build}
  local tun=''
  [[ -c /dev/net/tun ]] && tun='devices = ["/dev/net/tun:/dev/net/tun:rwm"]'
  cat > "$STATE/conf/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$STATE/storage"
runroot = "$RUN_DIR/runroot"
CONF
  # cgroups: not podman's business here; the wrapper below gives each container a cgroup of its own.
  # SYS_ADMIN: systemd's sandboxing inside; LINUX_IMMUTABLE: chattr +i. These containers are no security boundary.
  cat > "$STATE/conf/containers.conf" <<CONF
[containers]
cgroups = "disabled"
cgroupns = "private"
base_hosts_file = "$STATE/conf/hosts"
default_ulimits = ["nofile=20000:20000", "nproc=8192:8192"]
default_capabilities = ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "LINUX_IMMUTABLE", "MKNOD",
  "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_ADMIN", "SYS_CHROOT"]
$tun
pids_limit = 0
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$RUN_DIR/libpod"
runtime = "crun"
[engine.runtimes]
crun = ["$STATE/bin/crun"]
[network]
network_backend = "netavark"
network_config_dir = "$STATE/net"
default_network = "lab"
CONF
  # Internal: no route out, no firewall rules on the machine. Addresses given out by podman itself (Molecule) come
  # from a range of their own, so they can never take a lab host's place.
  cat > "$STATE/net/lab.json" <<CONF
{
  "name": "lab", "id": "$(printf '%s' "lab $LAB_TAG" | sha256sum | cut -c1-64)", "driver": "bridge",
  "network_interface": "$BRIDGE", "created": "2026-01-01T00:00:00Z",
  "subnets": [{ "subnet": "$NET.0/24", "gateway": "$NET.1", "lease_range": { "start_ip": "$NET.32", "end_ip": "$NET.95" } }],
  "ipv6_enabled": false, "internal": true, "dns_enabled": false, "ipam_options": { "driver": "host-local" }
}
CONF
  {
    echo '127.0.0.1 localhost'
    local host
    for host in "${BASE_HOSTS[@]}" $(plain_names "$MAX_PLAIN"); do
      echo "$(host_address "$host") $host $(host_names "$host" | tr '\n' ' ')"
    done
  } > "$STATE/conf/hosts"
  # The OCI runtime (its file must be called crun). Containers run with podman's cgroups off, since a machine without
  # CAP_SYS_RESOURCE cannot do otherwise; then every systemd would share the machine's cgroup root. So: a cgroup
  # each, entered before crun makes the container, whose cgroup namespace is rooted there.
  cat > "$STATE/bin/crun.new" <<CONF
#!/bin/bash
verb= id=\${!#} top=/sys/fs/cgroup/$CGROUP
for word in "\$@"; do
  case \$word in create | run | delete | exec | start | kill | state) verb=\$word; break ;; esac
done
case \$verb in
  create | run) mkdir -p "\$top/\$id" && echo \$\$ > "\$top/\$id/cgroup.procs" ;;
  delete)
    /usr/bin/crun "\$@"
    rc=\$?
    if [ -d "\$top/\$id" ]; then
      [ ! -e "\$top/\$id/cgroup.kill" ] || echo 1 > "\$top/\$id/cgroup.kill"
      find "\$top/\$id" -depth -type d -exec rmdir {} + 2>/dev/null
    fi
    exit \$rc ;;
esac
exec /usr/bin/crun "\$@"
CONF
  chmod 755 "$STATE/bin/crun.new"
  mv "$STATE/bin/crun.new" "$STATE/bin/crun"
}

pids_by_argument() { # WORD [whole] -> ids of processes whose command line has an argument that begins with (is) WORD
  local dir words word
  for dir in /proc/[0-9]*; do
    mapfile -d '' -t words < "$dir/cmdline" || continue
    for word in "${words[@]}"; do
      if [[ $word == "$1" || (${2:-} != whole && $word == "$1"*) ]]; then
        echo "${dir#/proc/}"
        break
      fi
    done
  done 2> /dev/null
}

holder_pid() { # the living holder's pid, or failure
  local pid words
  read -r pid 2> /dev/null < "$RUN_DIR/holder.pid" || return 1
  mapfile -d '' -t words 2> /dev/null < "/proc/$pid/cmdline" || return 1
  [[ ${words[0]:-} == "$HOLDER" ]] && echo "$pid"
}

# Run a command in the lab's namespace with the lab's podman settings. Never hand it our lock (fd 9).
in_ns() {
  CONTAINERS_CONF=$STATE/conf/containers.conf CONTAINERS_STORAGE_CONF=$STATE/conf/storage.conf \
    nsenter -m -t "$HOLDER_PID" --wd="$PWD" "$@" 9>&-
}

sweep() { # whatever an earlier lab of this state folder left running goes, in an order that lets nothing restart it
  local pid
  for pid in $(pids_by_argument "$STATE/storage/overlay-containers/") $(pids_by_argument "$HOLDER" whole); do
    kill -KILL "$pid" 2> /dev/null || :
  done
  rm -rf "$RUN_DIR"
}

start_holder() {
  local owner
  if read -r owner 2> /dev/null < "$OWNER_NOTE" && [[ $owner != "$STATE" ]] &&
    [[ $(pids_by_argument "quantumsafe-lab-holder-$(printf %s "$owner" | sha256sum | cut -c1-8)" whole) ]]; then
    die "the lab in $owner is up and has the network; run 'AGILITY_LAB=$owner $HERE/lab down' first"
  fi
  sweep
  mkdir -p "$RUN_DIR" && chmod 0700 "$RUN_DIR"
  echo "$STATE" > "$OWNER_NOTE"
  # Where podman, netavark and crun keep what must not outlive a boot (locks, leases, states), it gets file systems
  # of its own, which end with it: no leftovers, and no quarrel with another podman on this machine.
  # shellcheck disable=SC2016  # expanded by the inner shell
  HOLDER=$HOLDER RUN_DIR=$RUN_DIR setsid unshare -m --propagation private bash -c '
    umount -R /sys/fs/cgroup 2>/dev/null
    mkdir -p /run/netns /run/containers /run/crun
    mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 1
    for own in /run/netns /run/containers /run/crun; do mount -t tmpfs tmpfs "$own" || exit 1; done
    echo $$ > "$RUN_DIR/holder.new" && mv "$RUN_DIR/holder.new" "$RUN_DIR/holder.pid"
    exec -a "$HOLDER" sleep infinity' < /dev/null > "$STATE/logs/holder.log" 2>&1 9>&- &
  for _ in {1..100}; do
    HOLDER_PID=$(holder_pid) && break
    sleep 0.05
  done
  [[ $HOLDER_PID ]] || die "this machine does not let root make a mount namespace with a cgroup2 file system ($(tail -n1 "$STATE/logs/holder.log")); run the lab in a virtual machine or a privileged container"
  # Processes of earlier containers, found by the cgroup that they cannot leave.
  # shellcheck disable=SC2016
  in_ns bash -c '
    cd "/sys/fs/cgroup/$1" 2>/dev/null || exit 0
    for group in */; do [ -e "$group/cgroup.kill" ] && echo 1 > "$group/cgroup.kill"; done
    for try in {1..50}; do
      find . -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
      [ -z "$(find . -mindepth 1 -type d -print -quit)" ] && break
      sleep 0.1
    done' _ "$CGROUP"
  ip link del "$BRIDGE" 2> /dev/null || :
  if ! in_ns timeout 60 podman rm -fa -t 0 > "$STATE/logs/rm.log" 2>&1 || [[ $(in_ns podman ps -aq) ]]; then
    say "podman's store is damaged; making a new one from the image cache"
    rm -rf "$STATE/storage"
  fi
}

need_holder() { # a namespace that stands: the old one if it lives, else a new one
  HOLDER_PID=$(holder_pid) || start_holder
  if [[ $(cat /proc/sys/fs/inotify/max_user_instances) -lt $INOTIFY_INSTANCES ]]; then
    echo "$INOTIFY_INSTANCES" > /proc/sys/fs/inotify/max_user_instances ||
      die "fs.inotify.max_user_instances cannot be raised to $INOTIFY_INSTANCES (sysctl -w); without it systemd does not start in many containers"
  fi
}

stop_holder() {
  if HOLDER_PID=$(holder_pid); then
    in_ns timeout 120 podman rm -fa -t 0 > "$STATE/logs/rm.log" 2>&1 || :
    in_ns rmdir "/sys/fs/cgroup/$CGROUP" 2> /dev/null || :
  fi
  sweep
  ip link del "$BRIDGE" 2> /dev/null || :
  rm -f "$OWNER_NOTE"
}
