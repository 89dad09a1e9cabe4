# journal.sh: where a transaction lives, what it wrote down, and who may act.  Everything of ours is 0600 in 0700.
ca_state=/var/lib/crypto-agility

# ca_uptime: whole seconds since boot; no decision ever reads the wall clock.
ca_uptime() {
  read -r ca_up _ </proc/uptime
  printf '%s' "${ca_up%%.*}"
}

# ca_sync PATH...: to the disk.  Older sync takes no argument and writes everything.
ca_sync() {
  sync "$@" 2>/dev/null || sync
}

# ca_enter ID: the names of one transaction.
ca_enter() {
  ca_tid=$1
  ca_tx=$ca_state/tx/$ca_tid
}

# ca_record STATE [DETAIL]: one journal line, on the disk before anything that follows it.
ca_record() {
  ca_lines=0
  [ -f "$ca_tx/journal" ] && ca_lines=$(wc -l <"$ca_tx/journal")
  printf '%s %s %s %s\n' "$((ca_lines + 1))" "$1" "$(ca_uptime)" "${2-}" >>"$ca_tx/journal" || return 1
  ca_sync "$ca_tx/journal"
}

# ca_last: the state of the last whole journal line.
ca_last() {
  [ -f "$ca_tx/journal" ] || {
    printf 'ABSENT'
    return
  }
  awk 'NF >= 3 && $1 ~ /^[0-9]+$/ { state = $2 } END { printf "%s", state == "" ? "NEW" : state }' "$ca_tx/journal"
}

# ca_has STATE: whether the journal ever reached it.
ca_has() {
  awk -v want="$1" '$2 == want { found = 1 } END { exit !found }' "$ca_tx/journal" 2>/dev/null
}

ca_get() {
  ca_v=
  [ -r "$ca_tx/$1" ] && read -r ca_v <"$ca_tx/$1"
  printf '%s' "$ca_v"
}

# ca_left: seconds until the deadline, 0 when it passed or the machine was booted since.
ca_left() {
  ca_d=$(ca_get deadline)
  if [ -z "$ca_d" ] || [ "$(ca_get boot)" != "$(ca_boot)" ]; then
    printf 0
    return
  fi
  ca_n=$((ca_d - $(ca_uptime)))
  [ "$ca_n" -gt 0 ] || ca_n=0
  printf '%s' "$ca_n"
}

# ca_pending: ids of transactions that are neither confirmed nor taken back.
ca_pending() {
  for ca_p in "$ca_state"/tx/*/journal; do
    [ -f "$ca_p" ] || continue
    ca_p=${ca_p%/journal}
    (
      ca_enter "${ca_p##*/}"
      case $(ca_last) in CLEANED | CONFIRMED | REVERTED | REFUSED) ;; *) printf '%s\n' "$ca_tid" ;; esac
    )
  done
}

# ca_start_of PID: when that process started, "" when it is gone (proc(5), field 22).
ca_start_of() {
  [ -r "/proc/$1/stat" ] || return 0
  read -r ca_s <"/proc/$1/stat" 2>/dev/null || return 0
  # shellcheck disable=SC2086 # fields of a line of numbers
  set -- ${ca_s##*) }
  printf '%s' "${20}"
}

# ca_lock: one verb at a time.  The lock is a symbolic link that names its owner; a dead owner's lock is broken by exactly one
# of those who wait, the one whose mkdir succeeds.  Up to 60 s.
ca_lock() {
  mkdir -p "$ca_state/tx" && chmod 700 "$ca_state" "$ca_state/tx" || return 1
  ca_me=$$:$(ca_start_of $$):$(ca_boot)
  ca_wait=0
  until ln -s "$ca_me" "$ca_state/lock" 2>/dev/null; do
    ca_owner=$(readlink "$ca_state/lock") || ca_owner=
    [ "$ca_owner" != "$ca_me" ] || return 0
    if [ -n "$ca_owner" ]; then
      ca_pid=${ca_owner%%:*}
      ca_rest=${ca_owner#*:}
      if [ "${ca_rest#*:}" != "$(ca_boot)" ] || [ "$(ca_start_of "$ca_pid")" != "${ca_rest%%:*}" ]; then
        if mkdir "$ca_state/lock.break.$ca_owner" 2>/dev/null; then
          [ "$(readlink "$ca_state/lock")" != "$ca_owner" ] || rm -f "$ca_state/lock"
          rmdir "$ca_state/lock.break.$ca_owner"
          continue
        fi
      fi
    fi
    ca_wait=$((ca_wait + 1))
    [ "$ca_wait" -le 60 ] || return 1
    sleep 1
  done
}

ca_unlock() {
  [ "$(readlink "$ca_state/lock" 2>/dev/null)" != "$ca_me" ] || rm -f "$ca_state/lock"
}

# ca_error CODE MESSAGE: what stopped us; the first one counts.
ca_error() {
  [ -n "$ca_code" ] || {
    ca_code=$1
    shift
    ca_message=$*
  }
  return 1
}

# ca_report: this transaction as the controller reads it.
ca_report() {
  printf '\001T %s\n' "$ca_tid"
  ca_st=$(ca_last)
  if [ "$ca_st" = ABSENT ] && [ -n "$ca_code" ]; then ca_st=REFUSED; fi
  printf 'state %s\nleft %s\nby %s\n' "$ca_st" "$(case $ca_st in CLEANED | CONFIRMED | REVERTED | REVERT_FAILED | REFUSED | ABSENT) printf 0 ;; *) ca_left ;; esac)" "$(ca_get by)"
  printf 'serial %s\n' "$(ca_get serial)"
  [ -z "$ca_code" ] || printf 'error %s %s\n' "$ca_code" "$ca_message"
  if [ -f "$ca_tx/journal" ]; then sed 's/^/J /' "$ca_tx/journal"; fi
  [ ! -f "$ca_tx/services" ] || while read -r ca_service _; do printf 'A %s\n' "$ca_service"; done <"$ca_tx/services"
  [ ! -f "$ca_tx/changes" ] || while read -r _ ca_kind ca_before ca_after _ _ _ _ ca_file; do
    ca_now=- ca_meta='- - -'
    if [ -f "$ca_file" ]; then
      ca_now=$(ca_digest "$ca_file")
      ca_meta=$(stat -L -c '%a %U %G' "$ca_file")
    fi
    printf 'F %s %s %s %s %s %s' "$ca_kind" "$ca_before" "$ca_after" "$ca_now" "$ca_meta" "$(ca_name "$ca_file")$ca_nl"
  done <"$ca_tx/changes"
}

ca_digest() {
  ca_sha "$1" | { read -r ca_h _ && printf '%s' "${ca_h#\\}"; }
}
