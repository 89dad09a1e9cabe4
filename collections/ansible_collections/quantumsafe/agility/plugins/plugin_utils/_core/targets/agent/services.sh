# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# services.sh: check, reload, and see that what listened still listens.
# A line of "services": name action units sockets ports; the check's words are the lines of check.NAME.

# ca_check: the own checker of ca_service.  Its last words become the error.
ca_check() {
  set --
  while IFS= read -r ca_word; do set -- "$@" "$ca_word"; done <"$ca_tx/check.$ca_service"
  ca_said=$(ca_bounded 30 "$@" 2>&1 </dev/null) && return 0
  ca_error validate "the check of $ca_service says: $(printf '%s' "$ca_said" | tail -n 3)"
}

ca_bounded() {
  if command -v timeout >/dev/null 2>&1; then timeout "$@"; else shift && "$@"; fi
}

# ca_unit UNITS: the first of them that is active.
ca_unit() {
  ca_ifs=$IFS
  IFS=,
  for ca_u in $1; do
    IFS=$ca_ifs
    if systemctl is-active --quiet "$ca_u" 2>/dev/null; then
      printf '%s' "$ca_u"
      return
    fi
  done
  IFS=$ca_ifs
}

# ca_listening PORT: whether some process listens on it (proc(5) net/tcp: state 0A).
ca_listening() {
  ca_hex=$(printf '%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$ca_hex" '$4 == "0A" { n = split($2, a, ":"); if (a[n] == port) found = 1 } END { exit !found }'
}

# ca_note_before: what is active and listening now; both ways end with the same.
ca_note_before() {
  while read -r ca_service _ ca_units ca_sockets ca_ports; do
    ca_open=
    for ca_port in $(printf '%s' "${ca_ports#-}" | tr ',' ' '); do
      if ca_listening "$ca_port"; then ca_open="$ca_open $ca_port"; fi
    done
    ca_was=$(ca_unit "$ca_units")
    printf '%s %s %s %s\n' "$ca_service" "${ca_was:--}" "$(ca_unit "${ca_sockets#-}")" "$ca_open"
  done <"$ca_tx/services" >"$ca_tx/before"
}

# ca_patience: seconds that a service may take: on the way there not past the deadline; on the way back less, because a restart comes next.
ca_patience() {
  ca_n=$(ca_left)
  case ${ca_way-there} in
    back) printf 20 ;;
    there) if [ "$ca_n" -gt 0 ] && [ "$ca_n" -lt 60 ]; then printf '%s' "$ca_n"; else printf 60; fi ;;
    again) printf 60 ;;
  esac
}

# ca_activate_all: reload every service of the transaction, then wait until it stands as before.  The same both ways.  At boot nothing:
# the services are ordered after us and start with what they find.
ca_activate_all() {
  [ "${ca_self-}" != boot ] || return 0
  while read -r ca_service ca_action ca_units ca_sockets ca_ports; do
    [ "${ca_way-there}" != again ] || ca_action=restart
    ca_active=$(ca_unit "$ca_units")
    ca_was=$(awk -v s="$ca_service" '$1 == s { print $2 }' "$ca_tx/before")
    if [ -d /run/systemd/system ]; then
      if [ -n "$ca_active" ]; then
        ca_bounded "$(ca_patience)" systemctl "$ca_action" "$ca_active" </dev/null >/dev/null 2>&1 || ca_error reload "systemctl $ca_action $ca_active failed"
      elif [ -n "$ca_was" ] && [ "$ca_was" != - ]; then
        ca_bounded 60 systemctl reset-failed "$ca_was" </dev/null >/dev/null 2>&1
        ca_bounded 60 systemctl restart "$ca_was" </dev/null >/dev/null 2>&1 || ca_error reload "systemctl restart $ca_was failed"
      fi
    else
      ca_script "$ca_units" "$ca_action" || ca_error reload "service ${ca_units%%,*} $ca_action failed"
    fi
  done <"$ca_tx/services"
  [ -z "$ca_code" ] && ca_standing
}

# ca_script UNITS ACTION: without systemd, by the first of these names that has a script.
ca_script() {
  ca_ifs=$IFS
  IFS=,
  # shellcheck disable=SC2086 # a list with commas
  set -- "$2" $1
  IFS=$ca_ifs
  ca_action=$1 ca_u=${2%.service}
  shift
  for ca_n; do
    if [ -e "/etc/init.d/${ca_n%.service}" ]; then
      ca_u=${ca_n%.service}
      break
    fi
  done
  ca_bounded "$(ca_patience)" service "$ca_u" "$ca_action" </dev/null >/dev/null 2>&1
}

# ca_standing: every unit that was active is active with a main process that stays the same, and every port that was open is open, twice
# in a row: a daemon that dies of the reload and is started over and over does not pass.
ca_standing() {
  ca_tries=0 ca_good=0 ca_pids=''
  while [ "$ca_good" -lt 2 ]; do
    ca_down='' ca_seen_pids=$ca_pids ca_pids=''
    while read -r ca_service ca_was ca_rest; do
      if [ "$ca_was" != - ] && [ -d /run/systemd/system ]; then
        ca_now=$(systemctl show -p MainPID -p ActiveState "$ca_was" </dev/null)
        case $ca_now in *ActiveState=active*) ca_pids="$ca_pids $ca_now" ;; *) ca_down="$ca_was is not active" ;; esac
      fi
      for ca_port in $ca_rest; do
        case $ca_port in *[!0-9]*) continue ;; esac
        ca_listening "$ca_port" || ca_down="nothing listens on port $ca_port of $ca_service"
      done
    done <"$ca_tx/before"
    if [ -n "$ca_down" ]; then
      ca_good=0
    elif [ "$ca_good" -gt 0 ] && [ "$ca_pids" != "$ca_seen_pids" ]; then
      ca_good=1 ca_down="a service starts over and over"
    else
      ca_good=$((ca_good + 1))
    fi
    ca_tries=$((ca_tries + 1))
    if [ "$ca_tries" -gt 10 ]; then
      ca_error reload "after the reload $ca_down"
      return 1
    fi
    [ "$ca_good" -ge 2 ] || sleep 0.4 2>/dev/null || sleep 1
  done
}

# ca_validate: let each checker see the staged files at their real paths, in a mount namespace of its own.  Where namespaces are not
# allowed the check waits until after the swap, before the reload, with the way back armed.
ca_validate() {
  if ! unshare -m true 2>/dev/null; then
    ca_record VALIDATED "deferred: no mount namespaces here"
    return
  fi
  ca_scratch=$ca_tx/scratch
  mkdir "$ca_scratch" || return 1
  : >"$ca_tx/mounts"
  while read -r _ ca_kind _ _ _ _ _ _ ca_file; do
    case $ca_kind in
      edit | restore) printf '%s\n%s\n' "$(ca_fresh "$ca_file")" "$ca_file" >>"$ca_tx/mounts" ;;
      create | remove)
        ca_dir=${ca_file%/*}
        ca_copy=$ca_scratch/$(printf '%s' "$ca_dir" | tr '/' '_')
        if [ ! -d "$ca_copy" ]; then
          cp -a "$ca_dir" "$ca_copy" || return 1
          # A directory goes below the files that are mounted into it.
          { printf '%s\n%s\n' "$ca_copy" "$ca_dir" && cat "$ca_tx/mounts"; } >"$ca_tx/mounts.new" && mv "$ca_tx/mounts.new" "$ca_tx/mounts"
        fi
        if [ "$ca_kind" = create ]; then cp -a "$(ca_fresh "$ca_file")" "$ca_copy/${ca_file##*/}"; else rm -f "$ca_copy/${ca_file##*/}"; fi
        ;;
    esac
  done <"$ca_tx/changes"
  ca_deferred=
  while read -r ca_service _; do
    # shellcheck disable=SC2016 # the inner shell expands it
    ca_said=$(ca_bounded 30 unshare -m sh -c '
      mount --make-rprivate / || exit 99 # unshare does it since util-linux 2.27; -n: no note in /run/mount
      while IFS= read -r from && IFS= read -r to; do mount -n --bind "$from" "$to" || exit 99; done <"$1/mounts"
      set --
      while IFS= read -r word; do set -- "$@" "$word"; done <"$0"
      exec "$@"' "$ca_tx/check.$ca_service" "$ca_tx" 2>&1 </dev/null)
    ca_rc=$?
    if [ "$ca_rc" -eq 99 ]; then
      ca_deferred="deferred: $ca_said"
    elif [ "$ca_rc" -ne 0 ]; then
      ca_error validate "the check of $ca_service says: $(printf '%s' "$ca_said" | tail -n 3)"
      return 1
    fi
  done <"$ca_tx/services"
  rm -rf "$ca_scratch" "$ca_tx/mounts"
  ca_record VALIDATED "$ca_deferred"
}
