# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# history.sh: what this host remembers of transactions: show it, bring what is due to its end, forget what is old.

# ca_as_root: what lists or ends transactions cannot do it for anybody else.
ca_as_root() {
  [ "$(id -u)" = 0 ] || { printf '\001P no-privilege this needs root; use become\n' && return 1; }
}

# ca_status [ID]: one, or all that this host remembers.
# shellcheck disable=SC2120 # the controller passes the ID
ca_status() {
  ca_code='' ca_message=''
  ca_as_root || return 0
  if [ $# -eq 1 ]; then
    ca_enter "$1"
    ca_report
    return
  fi
  for ca_p in "$ca_state"/tx/*/journal; do
    [ -f "$ca_p" ] || continue
    ca_p=${ca_p%/journal}
    ca_enter "${ca_p##*/}"
    ca_report
    printf 'age %s\nsize %s\n' "$(($(date +%s) - $(stat -c %Y "$ca_tx/journal")))" "$(du -sk "$ca_tx" | { read -r ca_v _ && printf '%s' "$ca_v"; })"
  done
}

# ca_recover [DAYS KEEP]: what outlived its deadline or its boot goes back, what was confirmed is cleaned up; the rest is only shown.
# With DAYS what is finished and old is forgotten, too.
ca_recover() {
  ca_as_root || return 0
  for ca_r in "$ca_state"/tx/*; do
    [ -d "$ca_r" ] || continue
    ca_enter "${ca_r##*/}"
    (ca_resolve "found unconfirmed by recover") >/dev/null
  done
  [ $# -eq 0 ] || ca_forget "$@"
  # shellcheck disable=SC2119 # all of them
  ca_status
}

# ca_resolve REASON: bring this transaction to its end when it is due.
ca_resolve() {
  case $(ca_last) in
    REFUSED) ;;
    CLEANED | REVERTED) if [ -e "$ca_tx/agent.sh" ] && ca_begin "$ca_tid"; then # died before it had put everything away
      ca_disarm
      ca_trim
      ca_unlock
    fi ;;
    CONFIRMED) if ca_begin "$ca_tid"; then
      [ "$(ca_last)" != CONFIRMED ] || ca_finish
      ca_unlock
    fi ;;
    ABSENT) if ca_begin "$ca_tid"; then # died before its first line
      [ "$(ca_last)" != ABSENT ] || rm -rf "$ca_tx"
      ca_unlock
    fi ;;
    *) [ "$(ca_left)" -gt 0 ] || ca_revert "$ca_tid" "$1" ;;
  esac
}

# ca_forget DAYS KEEP: finished transactions older than that many days go, but never the newest KEEP; what may hold a key is shredded where
# that is possible.  The age is the wall clock's: a wrong one forgets too early or too late what nobody waits for.
ca_forget() {
  ca_code='' ca_message=''
  ca_lock || { printf '\001P %s %s\n' "$ca_code" "$ca_message" && return; }
  ca_kept=0
  for ca_p in $(ca_by_age); do
    ca_enter "$ca_p"
    case $(ca_last) in CLEANED | REVERTED | REFUSED) ;; *) continue ;; esac
    ca_kept=$((ca_kept + 1))
    if [ "$ca_kept" -le "$2" ] || [ $(($(date +%s) - $(stat -c %Y "$ca_tx/journal"))) -le $(($1 * 86400)) ]; then continue; fi
    for ca_f in "$ca_tx"/old/*; do
      if [ -f "$ca_f" ] && [ "$(stat -c %h "$ca_f")" = 1 ] && command -v shred >/dev/null 2>&1; then shred -u "$ca_f"; fi
    done
    rm -rf "$ca_tx"
  done
  ca_unlock
}

# ca_by_age: the ids of all transactions, the newest first, by the number that they were given.
ca_by_age() {
  for ca_p in "$ca_state"/tx/*/journal; do
    [ -f "$ca_p" ] || continue
    ca_p=${ca_p%/journal}
    ca_enter "${ca_p##*/}"
    printf '%s %s\n' "$(ca_get serial)" "$ca_tid"
  done | sort -rn | sed 's/.* //'
}
