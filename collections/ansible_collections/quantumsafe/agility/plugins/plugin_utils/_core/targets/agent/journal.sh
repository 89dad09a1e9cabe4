# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
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

# ca_record STATE [DETAIL]: one journal line, on the disk before anything that follows it.  A line that a crash cut off is ended first.
ca_record() {
  ca_lines=0 ca_cut=''
  if [ -s "$ca_tx/journal" ]; then
    ca_lines=$(wc -l <"$ca_tx/journal")
    [ -z "$(tail -c 1 "$ca_tx/journal")" ] || ca_cut=$ca_nl
  fi
  printf '%s%s %s %s %s\n' "$ca_cut" "$((ca_lines + 1))" "$1" "$(ca_uptime)" "$(ca_line "${2-}")" >>"$ca_tx/journal" || return 1
  ca_sync "$ca_tx/journal" "$ca_tx"
}

# ca_line TEXT: as one line, short, without our own marks.
ca_line() {
  case $1 in
    *[!\ -~]*) printf '%s' "$1" | tr '\n\t\r\001' '    ' | head -c 2000 ;;
    *) printf '%s' "$1" ;;
  esac
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

# ca_start_of PID: when that process started, "" when it is gone or only waits to be reaped (proc(5), fields 3 and 22).
ca_start_of() {
  [ -r "/proc/$1/stat" ] || return 0
  read -r ca_s <"/proc/$1/stat" 2>/dev/null || return 0
  # shellcheck disable=SC2086 # fields of a line of numbers
  set -- ${ca_s##*) }
  [ "$1" = Z ] || printf '%s' "${20}"
}

# ca_lock: one verb at a time, up to 60 s; says why not.  The owner is the process that works: the shell that read the script may be gone
# (a hang-up) while its child goes on, so $$ would name the wrong one; the parent of a child is the right one.
ca_lock() {
  if [ "$(id -u)" != 0 ]; then
    ca_error no-privilege "this needs root; use become"
    return 1
  fi
  umask 077
  { mkdir -p "$ca_state/tx" && chmod 700 "$ca_state" "$ca_state/tx"; } 2>/dev/null || {
    ca_error disk-full "cannot write $ca_state"
    return 1
  }
  ca_pid=$(exec sh -c 'echo $PPID')
  ca_me=$ca_pid:$(ca_start_of "$ca_pid"):$(ca_boot)
  ca_wait=0
  until ca_take "$ca_state/lock"; do
    ca_wait=$((ca_wait + 1))
    if [ "$ca_wait" -gt 60 ]; then
      ca_error refused-lock "another verb runs on this host: ${ca_owner:-cannot write $ca_state}"
      return 1
    fi
    [ "$ca_wait" -ne 5 ] || [ -h "$ca_state/lock" ] || rm -f "${ca_tx-/none}/reserve" # a disk without an inode left
    sleep 1
  done
}

# ca_take LINK: make the symbolic link that names us; 1 when somebody who lives has it.  A dead owner's link is removed by whoever
# holds LINK.break, which is taken in the same way: of many who find it dead one removes it, and a breaker may die, too.  Seen dead first
# and still named afterwards: an owner that was alive when we read its name could unlock, end and be followed by another meanwhile.
ca_take() {
  while ! ln -s "$ca_me" "$1" 2>/dev/null; do
    if ! ca_owner=$(readlink "$1"); then # gone again, or there is no room for it
      ln -s "$ca_me" "$1" 2>/dev/null
      return
    fi
    if ca_lives "$ca_owner"; then return 1; fi
    set -- "$1" "$ca_owner"
    ca_take "$1.break" || return 1
    [ "$(readlink "$1")" != "$2" ] || rm -f "$1"
    rm -f "$1.break"
  done
}

# ca_lives OWNER: whether that very process still runs.
ca_lives() {
  ca_rest=${1#*:}
  [ "${ca_rest#*:}" = "$(ca_boot)" ] && [ "$(ca_start_of "${1%%:*}")" = "${ca_rest%%:*}" ]
}

ca_unlock() {
  [ "$(readlink "$ca_state/lock" 2>/dev/null)" != "${ca_me-}" ] || rm -f "$ca_state/lock"
}

# ca_error CODE MESSAGE: what stopped us; the first one counts.
ca_error() {
  [ -n "$ca_code" ] || {
    ca_code=$1
    shift
    ca_message=$(ca_line "$*")
  }
  return 1
}

# ca_report: this transaction as the controller reads it.
ca_report() {
  printf '\001T %s\n' "$ca_tid"
  ca_st=$(ca_last)
  if [ "$ca_st" = ABSENT ] && [ -n "$ca_code" ]; then ca_st=REFUSED; fi
  # Of a refused one its journal alone is left; sent twice, it says the same twice.
  if [ "$ca_st" = REFUSED ] && [ -z "$ca_code" ]; then
    ca_last_line=$(tail -n 1 "$ca_tx/journal")
    ca_last_line=${ca_last_line#* REFUSED * }
    ca_code=${ca_last_line%% *} ca_message=${ca_last_line#* }
  fi
  printf 'state %s\nleft %s\nby %s\n' "$ca_st" "$(case $ca_st in CLEANED | CONFIRMED | REVERTED | REVERT_FAILED | REFUSED | ABSENT) printf 0 ;; *) ca_left ;; esac)" "$(ca_get by)"
  printf 'serial %s\n' "$(ca_get serial)"
  [ -z "$ca_code" ] || printf 'error %s %s\n' "$ca_code" "$ca_message"
  if [ -f "$ca_tx/journal" ]; then sed 's/^/J /' "$ca_tx/journal"; fi
  [ ! -f "$ca_tx/services" ] || while read -r ca_service _; do printf 'A %s\n' "$ca_service"; done <"$ca_tx/services"
  [ ! -f "$ca_tx/changes" ] || while read -r ca_i ca_kind ca_before ca_after ca_mode ca_owner ca_group _ ca_file; do
    if [ -f "$ca_tx/after.$ca_i" ]; then ca_after=$(ca_get "after.$ca_i"); fi
    ca_now=- ca_meta='- - -' ca_left_as="$ca_mode $ca_owner $ca_group"
    if [ "$ca_kind" = edit ] && [ -f "$ca_tx/old/$ca_i" ]; then ca_left_as=$(stat -c '%a %U %G' "$ca_tx/old/$ca_i"); fi # an edit keeps them
    if [ -f "$ca_file" ]; then
      ca_now=$(ca_digest "$ca_file")
      ca_meta=$(stat -L -c '%a %U %G' "$ca_file")
    fi
    printf 'F %s %s %s %s %s %s %s' "$ca_kind" "$ca_before" "$ca_after" "$ca_now" "$ca_meta" "$ca_left_as" "$(ca_name "$ca_file")$ca_nl"
  done <"$ca_tx/changes"
}

ca_digest() {
  ca_sha "$1" | { read -r ca_h _ && printf '%s' "${ca_h#\\}"; }
}
