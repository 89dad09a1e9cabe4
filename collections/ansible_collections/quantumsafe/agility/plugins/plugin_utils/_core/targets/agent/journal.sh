# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# journal.sh: where a transaction lives, what it wrote down, and who may act.  Everything of ours is 0600 in 0700.
ca_state=/var/lib/crypto-agility

# Each $(...) is a process, and a change is many steps on many hosts at once: what a function here finds out it leaves in the variable that is
# named with it.

# ca_uptime: whole seconds since boot, in ca_up; no decision ever reads the wall clock.
ca_uptime() {
  read -r ca_up _ </proc/uptime
  ca_up=${ca_up%%.*}
}

# ca_sync PATH...: to the disk, or it says that it is not there.  A sync that takes no path, which shows at one that is sound, writes everything.
ca_sync() {
  sync "$@" 2>/dev/null && return
  if sync / 2>/dev/null; then return 1; fi
  sync
}

# ca_later PATH...: to the disk together with the next line of the journal.
ca_later() {
  for ca_v; do ca_dirty=${ca_dirty-}$ca_v$ca_nl; done
}

# ca_enter ID: the names of one transaction.
ca_enter() {
  ca_tid=$1
  ca_tx=$ca_state/tx/$ca_tid
}

# ca_record STATE [DETAIL]: one journal line, on the disk before anything that follows it, and with it what ca_later was told.  A line that a
# crash cut off is ended first.  Nobody else writes while we hold the lock, so what was read once is known from there on.
ca_record() {
  ca_last
  ca_uptime
  ca_known='' ca_lasting='' ca_v=${2-}
  case $ca_v in *[!\ -~]*) ca_v=$(ca_line "$ca_v") ;; esac
  printf '%s%s %s %s %s\n' "$ca_cut" "$((ca_count_of + 1))" "$1" "$ca_up" "$ca_v" >>"$ca_tx/journal" || return 1
  ca_known=$ca_tid ca_st=$1 ca_cut='' ca_count_of=$((ca_count_of + 1))
  ca_later "$ca_tx/journal" "$ca_tx"
  ca_v=$ca_dirty ca_dirty=''
  ca_lines ca_sync "$ca_v" && ca_lasting=$ca_tid
}

# ca_line TEXT: as one line, short, without our own marks.
ca_line() {
  case $1 in
    *[!\ -~]*) printf '%s' "$1" | tr '\n\t\r\001' '    ' | head -c 2000 ;;
    *) printf '%s' "$1" ;;
  esac
}

# ca_last: the state of the last whole journal line, in ca_st, how many lines there are, and in ca_cut what ends one that was cut off.  UNREADABLE
# is a state, too: whoever finds it does nothing and says so, for a journal that cannot be read may say anything.
ca_last() {
  [ "${ca_known-}" != "$ca_tid" ] || return 0
  ca_count_of=0 ca_cut=''
  if [ ! -f "$ca_tx/journal" ]; then
    if [ -e "$ca_tx/old" ]; then ca_st=UNREADABLE; else ca_st=ABSENT; fi
    return 0
  fi
  if ! ca_text=$(cat "$ca_tx/journal" 2>/dev/null && echo .); then
    ca_st=UNREADABLE
    return 0
  fi
  ca_st=NEW
  case $ca_text in . | *"$ca_nl.") ;; *) ca_cut=$ca_nl ;; esac
  ca_lines ca_last_of "${ca_text%.}"
  [ -z "${ca_holds-}" ] || ca_known=$ca_tid
}

ca_last_of() {
  ca_count_of=$#
  for ca_v; do ca_line_says "$ca_v"; done
}

# ca_line_says LINE: its state, in ca_st, when it is one of the journal: number, state, uptime.
ca_line_says() {
  ca_k=${1%% *}
  case $ca_k in '' | *[!0-9]*) return 0 ;; esac
  case $1 in
    "$ca_k "[!\ ]*' '[!\ ]*)
      ca_st=${1#* }
      ca_st=${ca_st%% *}
      ;;
  esac
}

# ca_peek: as ca_last, without a process.  An error while reading looks like the end here, so the state may be an older one than it is.
ca_peek() {
  ca_st=''
  while read -r ca_v; do ca_line_says "$ca_v"; done 2>/dev/null <"$ca_tx/journal"
}

# ca_get NAME: the one line of that file, in ca_v; 1 when it cannot be read whole.
ca_get() {
  { read -r ca_v <"$ca_tx/$1"; } 2>/dev/null || { ca_v='' && return 1; }
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

# ca_left: seconds until the deadline, in ca_secs_left, 0 when it passed or the machine was booted since.
ca_left() {
  ca_secs_left=0
  ca_boot
  ca_uptime
  if ca_get boot && [ "$ca_v" = "$ca_booted" ] && ca_get deadline && [ "$ca_v" -gt "$ca_up" ]; then ca_secs_left=$((ca_v - ca_up)); fi
}

# ca_start_of PID: when that process started, in ca_started; "" when it is gone or only waits to be reaped (proc(5), fields 3 and 22).
ca_start_of() {
  ca_started=''
  { read -r ca_s <"/proc/$1/stat"; } 2>/dev/null || return 0
  # shellcheck disable=SC2086 # fields of a line of numbers
  set -- ${ca_s##*) }
  [ "$1" = Z ] || ca_started=${20}
}

# ca_lock [end]: one verb at a time, up to 60 s; says why not.  With "end" an owner that lives but hangs, past the deadline, is ended: nobody
# may keep the way back waiting for ever.  One that is on the way back itself gets ten minutes.  The owner is the process that works: the
# shell that read the script may be gone (a hang-up) while its child goes on, so $$ would name the wrong one.
ca_lock() {
  ca_known='' ca_dirty='' ca_holds=''
  ca_uid
  if [ "$ca_v" != 0 ]; then
    ca_error no-privilege "this needs root; use become"
    return 1
  fi
  umask 077
  [ -d "$ca_state/tx" ] || { mkdir -p "$ca_state/tx" && chmod 700 "$ca_state" "$ca_state/tx"; } 2>/dev/null || {
    ca_error disk-full "cannot write $ca_state"
    return 1
  }
  read -r ca_pid _ </proc/self/stat
  ca_start_of "$ca_pid"
  ca_boot
  ca_me=$ca_pid:$ca_started:$ca_booted
  ca_wait=0
  until ca_take "$ca_state/lock"; do
    ca_wait=$((ca_wait + 1))
    if [ "$ca_wait" -gt 60 ]; then
      ca_left
      if [ "${1-}" = end ] && [ "$ca_secs_left" -eq 0 ] && ca_lives "${ca_owner-}"; then
        ca_last
        if [ "$ca_st" = REVERTING ] && [ "$ca_wait" -le 600 ]; then
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
  ca_holds=yes
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
  ca_boot
  ca_start_of "${1%%:*}"
  [ "${ca_rest#*:}" = "$ca_booted" ] && [ "$ca_started" = "${ca_rest%%:*}" ]
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
  if [ -n "${ca_holds-}" ] && [ "$(readlink "$ca_state/lock" 2>/dev/null)" = "$ca_me" ]; then rm -f "$ca_state/lock"; fi
  ca_holds='' ca_known=''
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

# ca_why: the words of the last journal line, in ca_v.
ca_why() {
  ca_v=$(tail -n 1 "$ca_tx/journal" | { read -r _ _ _ ca_v && printf '%s' "$ca_v"; })
}

ca_digest() {
  ca_sha "$1" | { read -r ca_h _ && printf '%s' "${ca_h#\\}"; }
}
