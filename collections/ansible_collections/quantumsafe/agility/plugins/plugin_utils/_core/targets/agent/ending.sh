# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# ending.sh: how a transaction comes to its end: back to what was, or confirmed and cleaned up.  Every part may be repeated.

# ca_undo_early: nothing was swapped: remove every trace but the journal, whose last line says why.
ca_undo_early() {
  ca_dirty=''
  ca_tidy || return 1
  rm -f "$ca_tx/reserve"
  if ca_record REFUSED "$ca_code $ca_message" 2>/dev/null; then
    ca_put_away
  else
    ca_disarm && rm -rf "$ca_tx"
  fi
}

# ca_back REASON: the way back, twice for a fault that passes.  The lock is held.
ca_back() {
  ca_load || return 1 # the next try reads again
  ca_dirty=''
  rm -f "$ca_tx/reserve" # room for the journal on a full disk
  ca_record REVERTING "$1"
  ca_count
  ca_reason=$1 ca_way=back
  if ca_bring_back || ca_bring_back; then
    ca_put_away
    ca_error reverted "$ca_reason"
    return
  fi
  ca_record REVERT_FAILED "$ca_bad"
  logger -p daemon.crit -t crypto-agility "transaction $ca_tid could not be taken back:$ca_bad. $(ca_recipe)" 2>/dev/null
  ca_code=''
  ca_error revert-failed "could not restore:$ca_bad. $(ca_recipe)"
}

# ca_bring_back: files, then services, then nothing is left beside the files, then it is written down.  Where it stopped is in ca_bad.
ca_bring_back() {
  ca_code='' ca_bad=''
  ca_each ca_unswap "$ca_changes" back
  [ -z "$ca_bad" ] || return 1
  ca_activate_all
  if [ -n "$ca_code" ]; then
    ca_way=again ca_bad=" $ca_message" # with a restart: what died of the reload, or hangs in it, would not take another
  elif ! ca_tidy; then
    ca_bad=" $ca_message"
  elif ! rm -rf "$ca_tx/old" || ! ca_sync "$ca_tx" || ! ca_record REVERTED "$ca_reason"; then
    # "old" is a second name of what is in its place again: gone for good before anybody reads REVERTED.
    ca_bad=" $ca_tx (everything else is back)"
  fi
  [ -z "$ca_bad" ]
}

# ca_recipe: what a person can do about what could not be put back, one command a file.
ca_recipe() {
  printf 'By hand:'
  ca_each ca_recipe_line "$ca_changes"
  printf ' then check and reload: %s; then run recover' "$(ca_each ca_report_service "$ca_services" | sed 's/^A //' | tr '\n' ' ')"
}

ca_recipe_line() {
  ca_change_of "$1"
  if [ "$ca_kind" = create ]; then printf " rm '%s';" "$ca_file"; else printf " cp -a %s '%s';" "$ca_tx/old/$ca_i" "$ca_file"; fi
}

# ca_begin ID [end]: a verb of a transaction starts; with the lock, or it says why not.
ca_begin() {
  ca_code='' ca_message=''
  ca_enter "$1"
  ca_lock "${2-}"
}

# ca_revert ID REASON: take back what is not confirmed.
ca_revert() {
  if ca_begin "$1" end; then
    ca_last
    case $ca_st in
      ABSENT | REFUSED | REVERTED) ;;
      CONFIRMED | CLEANED) ca_error late "it was confirmed; use rollback" ;;
      UNREADABLE) ca_error unreadable "cannot read $ca_tx/journal; nothing was done" ;;
      NEW | SNAPSHOTTED | STAGED | VALIDATED) # nothing was swapped
        if ca_ours && ca_load; then
          ca_error reverted "$2"
          ca_undo_early
        fi
        ;;
      *) ! ca_ours || ca_back "$2" ;;
    esac
  fi
  ca_report
  ca_unlock
}

# ca_confirm ID TOKEN: proved from outside; the change stays.
ca_confirm() {
  if ca_begin "$1"; then
    ca_hash=$(printf '%s' "$2" | ca_sha)
    ca_hash=${ca_hash%% *}
    ca_last
    case $ca_st in
      RELOADED | VERIFIED)
        ca_left
        ca_get token
        if [ -z "$ca_hash" ] || [ "$ca_hash" != "$ca_v" ]; then
          ca_error wrong-token "the token does not belong to this transaction"
        elif [ "$ca_secs_left" -eq 0 ]; then
          ca_error late "the deadline has passed"
        elif ca_in_place && ca_record VERIFIED "over a new connection" && ca_record CONFIRMED; then
          ca_finish
        else
          ca_error disk-full "cannot write the journal"
        fi
        ;;
      CONFIRMED) ca_finish ;;
      CLEANED) ;;
      REVERTED)
        ca_why
        ca_error already-reverted "it went back before: $ca_v"
        ;;
      *) ca_error late "there is nothing to confirm: $ca_st" ;;
    esac
  fi
  ca_report
  ca_unlock
}

# ca_in_place: what was proved is what is there.  A way back on a disk so full that the journal could not be told has left the old files.
ca_in_place() {
  ca_load || return 1
  ca_digest_targets
  ca_each ca_in_place_one "$ca_changes"
}

ca_in_place_one() {
  ca_change_of "$1"
  if [ "$ca_kind" = remove ]; then
    [ ! -e "$ca_file" ] && [ ! -h "$ca_file" ] && return 0
  else
    ca_digest_of "$ca_file"
    ca_made=$ca_v
    if ca_get "after.$ca_i" && [ "$ca_made" = "$ca_v" ]; then return 0; fi
  fi
  ca_error changed "$ca_file is not what was proved: it was taken back or changed meanwhile; without a confirmation everything goes back"
}

# ca_finish: roll a confirmed one forward.  What fails here is tried again by the poller, and by recover.
ca_finish() {
  ca_load && ca_tidy && ca_each ca_let_go "$ca_changes" && ca_record CLEANED && ca_put_away
}

# ca_put_away: the end is on the disk; then nothing of ours runs any more, then what only a running one needs goes.  The boot unit needs
# agent.sh, so that goes last, and while it is there whoever comes by tries again.
ca_put_away() {
  [ "${ca_lasting-}" = "$ca_tid" ] || ca_sync "$ca_tx/journal" || return 1
  ca_disarm && ca_drop_keys "$ca_tid" || return 1
  ca_last
  case $ca_st in
    REFUSED)
      for ca_p in "$ca_tx"/*; do case $ca_p in */journal | */agent.sh) ;; *) rm -rf "$ca_p" ;; esac; done
      rm -f "$ca_tx/agent.sh"
      ;;
    REVERTED) rm -f "$ca_tx/reserve" "$ca_tx/token" "$ca_tx/beat" "$ca_tx/revert.sh" "$ca_tx/agent.sh" ;; # keeps its journal and what it wanted to change
    CLEANED) rm -f "$ca_tx/reserve" "$ca_tx/token" "$ca_tx/beat" && mv -f "$ca_tx/agent.sh" "$ca_tx/undo.sh" ;; # and the old files, and how to bring them back
  esac
}

# ca_undo: the offline rollback of a confirmed change: another transaction, armed like any; whoever typed it is there to see, so it confirms itself.
ca_undo() {
  ca_last
  if [ "$ca_st" != CLEANED ] || ! ca_load || ! ca_checked=$(cat "$ca_tx/checks") || ! CA_AGENT=$(sed '$d' "$ca_tx/undo.sh"); then
    printf 'only a confirmed change that can be read can be undone\n'
    return 1
  fi
  ca_of=$ca_tid ca_did=$ca_changes ca_acted=$ca_services
  ca_open "$(printf '%.40s' "$ca_of")-by-hand-$(cat "$ca_state/serial")" 600 - - - "by hand, rollback of $ca_of"
  ca_each ca_undo_change "$ca_did"
  ca_services=$ca_acted$ca_nl ca_checks=$ca_checked$ca_nl
  ca_apply >/dev/null
  ca_last
  if [ "$ca_st" = RELOADED ] && ca_begin "$ca_tid"; then
    ca_record CONFIRMED "by hand" && ca_finish
    ca_unlock
  fi
  ca_report
  ca_last
  [ "$ca_st" = CLEANED ]
}

# ca_undo_change LINE: the restore of one file, which must be as that change left it.
ca_undo_change() {
  ca_change_of "$1"
  ca_made=$(ca_enter "$ca_of" && ca_get "after.$ca_i" && printf '%s' "$ca_v") || ca_made=unknown
  case $ca_kind in
    create) ca_change "$ca_i" remove "$ca_made" - - - - - "$ca_file" ;;
    edit | restore) ca_change "$ca_i" restore "$ca_made" "$ca_before" - - - "$ca_of/$ca_i" "$ca_file" ;;
    remove) ca_change "$ca_i" create - "$ca_before" - - - "$ca_of/$ca_i" "$ca_file" ;;
  esac
}

# ca_cli ID VERB [REASON]: how the copy that stays on the host is called; its exit code says whether the old files are back.
ca_cli() {
  PATH=$ca_path LC_ALL=C
  export PATH LC_ALL
  umask 077
  ca_code='' ca_message='' ca_self=${2-} ca_way=back ca_loaded=''
  ca_enter "$1"
  case ${2-} in
    watch) ca_watch ;;
    boot) ca_at_boot >/dev/null ;;
    revert)
      ca_revert "$1" "${3-by hand}" | tr '\001' ' '
      ca_last
      case $ca_st in REVERTED | REFUSED | ABSENT) ;; *) return 1 ;; esac
      ;;
    stop)
      ca_last
      case $ca_st in CONFIRMED | CLEANED) ;; *) ca_cli "$1" revert "stopped by hand" ;; esac
      ;;
    undo)
      ca_said=$(ca_undo)
      ca_rc=$?
      printf '%s\n' "$ca_said" | tr '\001' ' '
      return "$ca_rc"
      ;;
    adopt) ca_as_root && ca_adopt && ca_cli "$1" revert "adopted by hand" ;;
    status) ca_status "$1" | tr '\001' ' ' ;;
    *) printf 'usage: sh agent.sh revert [REASON] | adopt | status\n' >&2 && return 2 ;;
  esac
}
