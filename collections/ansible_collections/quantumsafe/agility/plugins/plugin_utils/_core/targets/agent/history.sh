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
  for ca_q in "$ca_state"/tx/*/journal; do
    [ -f "$ca_q" ] || continue
    ca_q=${ca_q%/journal}
    ca_code='' ca_message=''
    ca_enter "${ca_q##*/}"
    ca_report
    printf 'age %s\nsize %s\n' "$(($(date +%s) - $(stat -c %Y "$ca_tx/journal")))" "$(du -sk "$ca_tx" | { read -r ca_k _ && printf '%s' "$ca_k"; })"
  done
}

# ca_recover ADOPT [DAYS KEEP]: what outlived its deadline or its boot goes back, what was confirmed is cleaned up; the rest is only shown.
# With ADOPT yes also what another machine began, whose disk this was.  With DAYS what is finished and old is forgotten, too.
ca_recover() {
  ca_as_root || return 0
  for ca_r in "$ca_state"/tx/*; do
    [ -d "$ca_r" ] || continue
    ca_enter "${ca_r##*/}"
    ca_last
    ca_left
    case $1:$ca_st:$ca_secs_left in
      yes:ABSENT:* | yes:REFUSED:* | yes:CLEANED:* | yes:REVERTED:* | yes:UNREADABLE:*) ;;
      yes:*:0) ca_adopt ;;
    esac
    (ca_resolve "found unconfirmed by recover") >/dev/null
  done
  ca_drop_strays
  shift
  [ $# -eq 0 ] || ca_forget "$@"
  # shellcheck disable=SC2119 # all of them
  ca_status
}

# ca_resolve REASON: bring this transaction to its end when it is due.
ca_resolve() {
  ca_last
  case $ca_st in
    UNREADABLE) ;;
    CLEANED | REVERTED | REFUSED | CONFIRMED | ABSENT)
      case $ca_st in CLEANED | REVERTED | REFUSED) [ -e "$ca_tx/agent.sh" ] || return 0 ;; esac # put away
      ca_begin "$ca_tid" || return 0
      ca_last
      case $ca_st in
        CLEANED | REVERTED | REFUSED) ca_put_away ;;
        CONFIRMED) ca_finish ;;
        ABSENT) rm -rf "$ca_tx" ;; # died before its first line
      esac
      ca_unlock
      ;;
    REVERTING) ca_revert "$ca_tid" "$1" ;;
    *)
      ca_left
      [ "$ca_secs_left" -gt 0 ] || ca_follows || ca_revert "$ca_tid" "$1"
      ;;
  esac
}

# ca_forget DAYS KEEP: finished transactions older than that many days go, but never the newest KEEP; what may hold a key is shredded where
# that is possible; it says where not.  The age is the wall clock's: a wrong one forgets too early or too late what nobody waits for.
ca_forget() {
  ca_code='' ca_message=''
  ca_lock || { printf '\001P %s %s\n' "$ca_code" "$ca_message" && return; }
  ca_kept=0
  for ca_p in $(ca_by_age); do
    ca_enter "$ca_p"
    ca_last
    case $ca_st in
      CLEANED | REVERTED) ca_kept=$((ca_kept + 1)) ca_keep_it=$((ca_kept <= $2)) ;;
      REFUSED) ca_keep_it=0 ;; # nothing but a line or two
      *) continue ;;
    esac
    if [ "$ca_keep_it" -eq 1 ] || [ $(($(date +%s) - $(stat -c %Y "$ca_tx/journal"))) -le $(($1 * 86400)) ]; then continue; fi
    ca_put_retired || continue
    for ca_f in "$ca_tx"/old/* "$ca_tx"/theirs.*; do
      if [ ! -f "$ca_f" ] || [ "$(stat -c %h "$ca_f")" != 1 ]; then continue; fi
      shred -u "$ca_f" 2>/dev/null || printf '\001N %s of %s was removed without shredding: shred is missing or failed\n' "${ca_f##*/tx/}" "$ca_tid"
    done
    rm -rf "$ca_tx"
  done
  ca_unlock
  ca_due_retired
}

# ca_by_age: the ids of all transactions, the newest first, by the number that they were given.
ca_by_age() {
  for ca_p in "$ca_state"/tx/*/journal; do
    [ -f "$ca_p" ] || continue
    ca_p=${ca_p%/journal}
    ca_enter "${ca_p##*/}"
    ca_get serial
    printf '%s %s\n' "$ca_v" "$ca_tid"
  done | sort -rn | sed 's/.* //'
}

# ca_drop_strays: keys that were made for a transaction that did not come within a day (of the wall clock), or the days that they are held for.
ca_drop_strays() {
  for ca_r in "$ca_state"/keys/*; do
    if [ ! -d "$ca_r" ] || [ -d "$ca_state/tx/${ca_r##*/}" ]; then continue; fi
    ca_v=1
    if [ -s "$ca_r/days" ]; then read -r ca_v <"$ca_r/days"; fi
    [ $(($(date +%s) - $(stat -c %Y "$ca_r"))) -le $((ca_v * 86400)) ] || ca_drop_keys "${ca_r##*/}"
  done
}
