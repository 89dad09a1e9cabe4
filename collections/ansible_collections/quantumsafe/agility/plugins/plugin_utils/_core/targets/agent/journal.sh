# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# journal.sh: where a transaction lives, what it wrote down, and who may act.  Everything of ours is 0600 in 0700.
ca_state=/var/lib/crypto-agility

# ca_uptime: whole seconds since boot; no decision ever reads the wall clock.
ca_uptime() {
  read -r ca_up _ </proc/uptime
  printf '%s' "${ca_up%%.*}"
}

# ca_sync PATH...: to the disk, or it says that it is not there.  A sync that takes no path, which shows at one that is sound, writes everything.
ca_sync() {
  sync "$@" 2>/dev/null && return
  if sync / 2>/dev/null; then return 1; fi
  sync
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
    [ "$(tail -c 1 "$ca_tx/journal" && printf .)" = "$ca_nl." ] || ca_cut=$ca_nl
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

# ca_last: the state of the last whole journal line.  UNREADABLE is a state, too: whoever finds it does nothing and says so, for a journal
# that cannot be read may say anything.
ca_last() {
  if [ ! -f "$ca_tx/journal" ]; then
    if [ -e "$ca_tx/old" ]; then printf UNREADABLE; else printf ABSENT; fi
    return
  fi
  ca_st=''
  ca_text=$(cat "$ca_tx/journal" 2>/dev/null) &&
    ca_st=$(printf '%s\n' "$ca_text" | awk 'NF >= 3 && $1 ~ /^[0-9]+$/ { state = $2 } END { printf "%s", state == "" ? "NEW" : state }')
  printf '%s' "${ca_st:-UNREADABLE}"
}

# ca_get NAME: the one line of that file; 1 when it cannot be read whole.
ca_get() {
  ca_v=
  { read -r ca_v <"$ca_tx/$1"; } 2>/dev/null || return 1
  printf '%s' "$ca_v"
}

# ca_load: what was written down, read once and whole, so that an error while reading never looks like the end of a list.
ca_load() {
  [ "${ca_loaded-}" != "$ca_tid" ] || return 0
  { ca_changes=$(cat "$ca_tx/changes") && ca_services=$(cat "$ca_tx/services") && ca_stood=$(cat "$ca_tx/before"); } && ca_loaded=$ca_tid && return 0
  ca_changes='' ca_services='' ca_stood='' ca_loaded=''
  ca_error unreadable "cannot read what $ca_tx says; nothing was done"
} 2>/dev/null

# ca_each FUNCTION LINES [back]: FUNCTION with every line, until one fails; the last line first with "back".
ca_each() {
  ca_do=$1 ca_ifs=$IFS
  IFS=$ca_nl
  set -f
  # shellcheck disable=SC2086 # one word a line
  if [ $# -eq 2 ]; then
    set -- $2
  else
    ca_text=$2
    set --
    for ca_v in $ca_text; do set -- "$ca_v" "$@"; done
  fi
  set +f
  IFS=$ca_ifs
  set -- "$ca_do" "$@"
  while [ $# -gt 1 ]; do
    "$1" "$2" || return 1
    ca_do=$1
    shift 2
    set -- "$ca_do" "$@"
  done
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

# ca_lock [end]: one verb at a time, up to 60 s; says why not.  With "end" an owner that lives but hangs, past the deadline, is ended: nobody
# may keep the way back waiting for ever.  One that is on the way back itself gets ten minutes.  The owner is the process that works: the
# shell that read the script may be gone (a hang-up) while its child goes on, so $$ would name the wrong one; the parent of a child is right.
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
      if [ "${1-}" = end ] && [ "$(ca_left)" -eq 0 ] && ca_lives "${ca_owner-}"; then
        if [ "$(ca_last)" = REVERTING ] && [ "$ca_wait" -le 600 ]; then
          sleep 1
        else
          ca_break
          ca_wait=0
        fi
        continue
      fi
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

# ca_end PID: it and what works for it, itself first so that it starts nothing more.
ca_end() {
  kill -STOP "$1" 2>/dev/null
  for ca_p in /proc/[0-9]*/stat; do
    { read -r ca_s <"$ca_p"; } 2>/dev/null || continue
    ca_s=${ca_s##*) }
    ca_s=${ca_s#* }
    ca_p=${ca_p#/proc/}
    [ "${ca_s%% *}" != "$1" ] || (ca_end "${ca_p%/stat}")
  done
  kill -KILL "$1" 2>/dev/null
}

# ca_break: end the owner of the lock.  One that sleeps in the kernel dies when it wakes up, and is as good as dead.
ca_break() {
  ca_end "${ca_owner%%:*}"
  sleep 1
  if ca_lives "$ca_owner" && [ "$(readlink "$ca_state/lock")" = "$ca_owner" ]; then rm -f "$ca_state/lock"; fi
}

ca_unlock() {
  if [ -n "${ca_me-}" ] && [ "$(readlink "$ca_state/lock" 2>/dev/null)" = "$ca_me" ]; then rm -f "$ca_state/lock"; fi
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
  ca_state_now=$(ca_last) ca_left_now=0
  case $ca_state_now in
    ABSENT | REFUSED) ca_loaded='' ca_changes='' ca_services='' ;; # of a refused one its journal alone is left
    *) ca_load || ca_state_now=UNREADABLE ;;
  esac
  case $ca_state_now in
    ABSENT) [ -z "$ca_code" ] || ca_state_now=REFUSED ;;
    REFUSED) if [ -z "$ca_code" ]; then # sent twice, it says the same twice
      ca_why=$(ca_why)
      ca_error "${ca_why%% *}" "${ca_why#* }"
    fi ;;
    REVERT_FAILED) ca_code='' && ca_error revert-failed "could not restore:$(ca_why). $(ca_recipe)" ;;
    CLEANED | CONFIRMED | REVERTED) ;;
    UNREADABLE) ca_error unreadable "cannot read $ca_tx; nothing was done" ;;
    *) ca_left_now=$(ca_left) ;;
  esac
  printf 'state %s\nleft %s\nby %s\nserial %s\n' "$ca_state_now" "$ca_left_now" "$(ca_get by)" "$(ca_get serial)"
  [ -z "$ca_code" ] || printf 'error %s %s\n' "$ca_code" "$ca_message"
  if [ -f "$ca_tx/journal" ]; then sed 's/^/J /' "$ca_tx/journal"; fi
  ca_each ca_report_service "$ca_services"
  ca_each ca_report_change "$ca_changes"
}

ca_report_service() { printf 'A %s\n' "${1%% *}"; }

ca_report_change() {
  ca_change_of "$1"
  if [ -f "$ca_tx/after.$ca_i" ]; then ca_after=$(ca_get "after.$ca_i"); fi
  ca_now=- ca_meta='- - -' ca_left_as="$ca_mode $ca_owner_of $ca_group"
  if [ "$ca_kind" = edit ] && [ -f "$ca_tx/old/$ca_i" ]; then ca_left_as=$(stat -c '%a %U %G' "$ca_tx/old/$ca_i"); fi # an edit keeps them
  if [ -f "$ca_file" ]; then
    ca_now=$(ca_digest "$ca_file")
    ca_meta=$(stat -L -c '%a %U %G' "$ca_file")
  fi
  printf 'F %s %s %s %s %s %s %s' "$ca_kind" "$ca_before" "$ca_after" "$ca_now" "$ca_meta" "$ca_left_as" "$(ca_name "$ca_file")$ca_nl"
}

# ca_why: the words of the last journal line.
ca_why() {
  tail -n 1 "$ca_tx/journal" | { read -r _ _ _ ca_v && printf '%s' "$ca_v"; }
}

ca_digest() {
  ca_sha "$1" | { read -r ca_h _ && printf '%s' "${ca_h#\\}"; }
}
