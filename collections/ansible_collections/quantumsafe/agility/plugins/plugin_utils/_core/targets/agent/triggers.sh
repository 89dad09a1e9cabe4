# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# triggers.sh: who takes the change back when nobody confirms it.  Never daemon-reload: it costs time and loads strangers' pending edits.

ca_unit_dir=/etc/systemd/system

ca_arm() {
  ca_beat=$ca_tx/beat
  [ ! -e "$ca_beat" ] || rm -f "$ca_beat"
  if [ -d /run/systemd/system ]; then
    ca_arm_boot 2>/dev/null || ca_error arm "cannot write the boot unit in $ca_unit_dir" || return 1
    ca_arm_poller || return 1
  else
    ca_arm_hooks || return 1
    ca_arm_watcher
  fi
  # Armed means that its heart was seen to beat.
  ca_wait=0
  until [ -s "$ca_beat" ]; do
    ca_wait=$((ca_wait + 1))
    [ "$ca_wait" -le 50 ] || { ca_error arm "the watcher did not come alive"; return 1; }
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# A poller with an absolute deadline in seconds of uptime: neither daemon-reload nor the wall clock moves it.
ca_arm_poller() {
  ca_said=$(systemd-run "$@" --quiet --collect --unit="crypto-agility-$ca_tid" -p Restart=on-failure -p RestartSec=1 -p StartLimitIntervalSec=0 \
    /bin/sh "$ca_tx/agent.sh" watch 2>&1 </dev/null) || ca_error arm "systemd-run: $ca_said"
}

# A unit that runs at boot before the services: found through a hand-made link, without daemon-reload.
ca_arm_boot() {
  ca_wants=$ca_unit_dir/sysinit.target.wants ca_unit_name=crypto-agility-boot-$ca_tid.service ca_list='' ca_order=''
  ca_each ca_list_units "$ca_services"
  ca_lines ca_order_of "$ca_list"
  [ -d "$ca_wants" ] || mkdir -p "$ca_wants" || return 1
  printf '%s\n' '[Unit]' "Description=Undo the unconfirmed crypto-agility transaction $ca_tid" DefaultDependencies=no After=local-fs.target \
    "Before=sysinit.target $ca_order" "RequiresMountsFor=$ca_state /etc" '[Service]' Type=oneshot "ExecStart=/bin/sh $ca_tx/agent.sh boot" \
    >"$ca_unit_dir/$ca_unit_name" || return 1
  ln -sf "../$ca_unit_name" "$ca_wants/$ca_unit_name" || return 1
  ca_later "$ca_unit_dir/$ca_unit_name" "$ca_unit_dir" "$ca_wants" # with ARMED
}

ca_order_of() { ca_order=$*; }

# Without systemd: whatever this host has that runs at boot; one of them at least.  The first of them comes before the services (System V),
# the others beside or after them, so that a boot starts anew what runs by then.
ca_arm_hooks() {
  ca_hooks=0
  for ca_f in "/etc/rcS.d/S99crypto-agility-$ca_tid" "/etc/local.d/crypto-agility-$ca_tid.start"; do
    case $ca_f in /etc/rcS.d/*) ! ca_in_parallel || continue ;; esac
    [ -d "${ca_f%/*}" ] || continue
    printf '#!/bin/sh\nexec /bin/sh %s/agent.sh boot\n' "$ca_tx" >"$ca_f" && chmod 755 "$ca_f" && ca_sync "$ca_f" "${ca_f%/*}" ||
      ca_error arm "cannot write $ca_f" || return 1
    ca_hooks=$((ca_hooks + 1))
  done
  # The init itself (sysvinit 3.05 and later), after /etc/rcS.d and before the services; its lines are short and have no shell.
  if grep -q /etc/inittab.d /proc/1/exe 2>/dev/null; then
    ca_f=/etc/inittab.d/crypto-agility-$ca_tid.tab
    mkdir -p /etc/inittab.d && printf 'cagi::bootwait:/bin/sh %s/agent.sh boot\n' "$ca_tx" >"$ca_f" && ca_sync "$ca_f" /etc/inittab.d /etc ||
      ca_error arm "cannot write $ca_f" || return 1
    ca_hooks=$((ca_hooks + 1))
  fi
  # The crond of busybox reads neither that folder nor @reboot.
  ca_cron=$(command -v cron || command -v crond)
  case $(readlink -f "${ca_cron:-/}") in / | *busybox*) ca_cron='' ;; esac
  if [ -d /etc/cron.d ] && [ -n "$ca_cron" ]; then
    ca_f=/etc/cron.d/crypto-agility-$ca_tid
    printf '@reboot root /bin/sh %s/agent.sh boot\n' "$ca_tx" >"$ca_f" && ca_sync "$ca_f" /etc/cron.d || ca_error arm "cannot write $ca_f" || return 1
    ca_hooks=$((ca_hooks + 1))
  fi
  [ "$ca_hooks" -gt 0 ] || ca_error arm "nothing here would take the change back after a reboot: no systemd, no /etc/rcS.d that is run by name, no /etc/inittab.d, no /etc/local.d, no cron with /etc/cron.d"
}

# ca_in_parallel: whether what is in /etc/rcS.d is not run by name: where insserv wrote down an order startpar runs what that names, and nothing
# else (/etc/init.d/rc of Debian; seen on a boot).
ca_in_parallel() {
  for ca_v in boot start stop; do [ -s "/etc/init.d/.depend.$ca_v" ] || return 1; done
  [ ! -e /etc/init.d/.legacy-bootordering ]
}

# Without systemd: a process of its own session that ignores hang-ups, and a line that cron runs at boot.
ca_arm_watcher() {
  if command -v setsid >/dev/null 2>&1; then set -- setsid; else set -- nohup; fi
  ("$@" /bin/sh "$ca_tx/agent.sh" watch </dev/null >/dev/null 2>&1 &) # no child of ours: see ca_end
}

# ca_disarm: nothing of ours keeps running, or it says so.  The poller itself ends by its own when it sees the final state.
ca_disarm() {
  set -- "$ca_unit_dir/sysinit.target.wants/crypto-agility-boot-$ca_tid.service" "$ca_unit_dir/crypto-agility-boot-$ca_tid.service" \
    "/etc/rcS.d/S99crypto-agility-$ca_tid" "/etc/local.d/crypto-agility-$ca_tid.start" "/etc/inittab.d/crypto-agility-$ca_tid.tab" "/etc/cron.d/crypto-agility-$ca_tid"
  rm -f "$@" || return 1
  ca_empty "$ca_unit_dir/sysinit.target.wants" /etc/inittab.d
  ca_dirs=''
  for ca_f; do [ ! -d "${ca_f%/*}" ] || ca_dirs=$ca_dirs${ca_f%/*}$ca_nl; done
  ca_lines ca_sync "$ca_dirs" || return 1
  if [ "${ca_self-}" != watch ] && [ -d /run/systemd/system ]; then systemctl stop "crypto-agility-$ca_tid.service" </dev/null >/dev/null 2>&1; fi
  return 0
}

# ca_empty FOLDER...: those that hold nothing are no longer there.
ca_empty() {
  for ca_v; do
    set -- "$ca_v"/*
    if [ -d "$ca_v" ] && [ ! -e "$1" ] && [ ! -h "$1" ]; then rmdir "$ca_v" 2>/dev/null; fi
  done
}

# ca_at_boot: nothing is confirmed by a boot.  In the boot of its own it does nothing: a daemon-reload of somebody else makes this unit
# known, and then whatever starts a service pulls it in through sysinit.target.
# What follows the other end of a link asks that end, once there is a network.
ca_at_boot() {
  ca_boot
  ca_get boot
  [ "$ca_v" != "$ca_booted" ] || return 0
  if [ -s "$ca_tx/follow" ] && ca_arm_poller --no-block; then return 0; fi
  ca_resolve "the machine was booted before the change was confirmed"
}

# ca_watch: the poller.  It goes on until the end is written down and everything is put away, whatever one try came to.  Ended by somebody it
# says that it failed, so that it is started again; only the service manager's own stop is heeded.
ca_watch() {
  trap '' HUP
  trap 'exit 143' TERM
  ca_keys_seen=''
  while :; do
    if ! ca_idle; then
      ca_last
      case $ca_st in REVERT_FAILED | ABSENT) return 0 ;; esac
      if (ca_ours); then ca_keys_seen=$ca_keys_now; fi
      (ca_resolve "no confirmation before the deadline") >/dev/null
      ca_last
      case $ca_st in CLEANED | REVERTED | REFUSED) [ -e "$ca_tx/agent.sh" ] || return 0 ;; esac
    fi
    ca_uptime
    { echo "$ca_up" >"$ca_tx/beat"; } 2>/dev/null
    sleep 1
  done
}

# ca_idle: whether nothing is due yet.  A whole fleet may wait for its confirmations at once, so this takes no process; what cannot be read
# looks as if it were not due, until the deadline.
ca_idle() {
  ca_peek
  case $ca_st in NEW | SNAPSHOTTED | STAGED | VALIDATED | ARMED | SWAPPING | SWAPPED | RELOADED | VERIFIED) ;; *) return 1 ;; esac
  ca_keys_now=keys$ca_nl
  for ca_f in /etc/ssh/ssh_host_*_key.pub; do
    { read -r ca_v <"$ca_f"; } 2>/dev/null || ca_v=''
    ca_keys_now=$ca_keys_now$ca_f$ca_nl$ca_v$ca_nl
  done
  ca_left
  [ "$ca_keys_now" = "$ca_keys_seen" ] && [ "$ca_secs_left" -gt 0 ]
}
