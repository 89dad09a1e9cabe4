# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# triggers.sh: who takes the change back when nobody confirms it.  Never daemon-reload: it costs time and loads strangers' pending edits.

ca_unit_dir=/etc/systemd/system

ca_arm() {
  ca_beat=$ca_tx/beat
  rm -f "$ca_beat"
  if [ -d /run/systemd/system ]; then
    ca_arm_boot 2>/dev/null || {
      ca_error arm "cannot write the boot unit in $ca_unit_dir"
      return 1
    }
    ca_arm_poller || return 1
  else
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
  ca_said=$(systemd-run --quiet --collect --unit="crypto-agility-$ca_tid" -p Restart=on-failure -p RestartSec=1 -p StartLimitIntervalSec=0 \
    /bin/sh "$ca_tx/agent.sh" watch 2>&1 </dev/null) || ca_error arm "systemd-run: $ca_said"
}

# A unit that runs at boot before the services: found through a hand-made link, without daemon-reload.
ca_arm_boot() {
  ca_wants=$ca_unit_dir/sysinit.target.wants
  ca_order=$(while read -r _ _ ca_u ca_s _; do printf '%s %s ' "$ca_u" "${ca_s#-}"; done <"$ca_tx/services" | tr ',' ' ')
  mkdir -p "$ca_wants" || return 1
  printf '%s\n' '[Unit]' "Description=Undo the unconfirmed crypto-agility transaction $ca_tid" DefaultDependencies=no After=local-fs.target \
    "Before=sysinit.target $ca_order" "RequiresMountsFor=$ca_state /etc" '[Service]' Type=oneshot "ExecStart=/bin/sh $ca_tx/agent.sh boot" \
    >"$ca_unit_dir/crypto-agility-boot-$ca_tid.service" || return 1
  ln -sf "../crypto-agility-boot-$ca_tid.service" "$ca_wants/crypto-agility-boot-$ca_tid.service" || return 1
  ca_sync "$ca_unit_dir/crypto-agility-boot-$ca_tid.service" "$ca_unit_dir" "$ca_wants"
}

# Without systemd: a process of its own session that ignores hang-ups, and a line that cron runs at boot.
ca_arm_watcher() {
  if command -v setsid >/dev/null 2>&1; then set -- setsid; else set -- nohup; fi
  "$@" /bin/sh "$ca_tx/agent.sh" watch </dev/null >/dev/null 2>&1 &
  if [ -d /etc/cron.d ]; then
    printf '@reboot root /bin/sh %s/agent.sh boot\n' "$ca_tx" >"/etc/cron.d/crypto-agility-$ca_tid" && ca_sync "/etc/cron.d/crypto-agility-$ca_tid" /etc/cron.d
  fi
}

# ca_disarm: nothing of ours keeps running.  The poller itself ends by its own when it sees the final state.
ca_disarm() {
  rm -f "$ca_unit_dir/sysinit.target.wants/crypto-agility-boot-$ca_tid.service" "$ca_unit_dir/crypto-agility-boot-$ca_tid.service" "/etc/cron.d/crypto-agility-$ca_tid" "$ca_tx/beat"
  rmdir "$ca_unit_dir/sysinit.target.wants" 2>/dev/null
  for ca_d in "$ca_unit_dir/sysinit.target.wants" "$ca_unit_dir" /etc/cron.d; do [ ! -d "$ca_d" ] || ca_sync "$ca_d"; done
  if [ "${ca_self-}" != watch ] && [ -d /run/systemd/system ]; then systemctl stop "crypto-agility-$ca_tid.service" </dev/null >/dev/null 2>&1; fi
  return 0
}

# ca_at_boot: nothing is confirmed by a boot.  In the boot of its own it does nothing: a daemon-reload of somebody else makes this unit
# known, and then whatever starts a service pulls it in through sysinit.target.
ca_at_boot() {
  [ "$(ca_get boot)" != "$(ca_boot)" ] || return 0
  case $(ca_last) in
    REFUSED | ABSENT) ca_disarm ;;
    *) ca_resolve "the machine was booted before the change was confirmed" ;;
  esac
}

# ca_watch: the poller.  It goes on until the end is written down, whatever one try came to.
ca_watch() {
  trap '' HUP
  while :; do
    case $(ca_last) in REVERT_FAILED | REFUSED | ABSENT) return 0 ;; esac
    ca_resolve "no confirmation before the deadline" >/dev/null
    case $(ca_last) in CLEANED | REVERTED) return 0 ;; esac
    ca_uptime >"$ca_tx/beat" 2>/dev/null
    sleep 1
  done
}
