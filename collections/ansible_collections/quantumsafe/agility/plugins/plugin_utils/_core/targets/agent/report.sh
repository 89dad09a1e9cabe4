# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# report.sh: one transaction as the controller reads it.

# ca_report [seen]: state, journal, services, and every file as it is now; with "seen" not of one that waits for its confirmation, for the look
# behind it shows them.
ca_report() {
  printf '\001T %s\n' "$ca_tid"
  ca_last
  ca_state_now=$ca_st ca_left_now=0
  case $ca_state_now in
    ABSENT | REFUSED) ca_loaded='' ca_changes='' ca_services='' ;; # of a refused one its journal alone is left
    *) ca_load || ca_state_now=UNREADABLE ;;
  esac
  case $ca_state_now in
    ABSENT) [ -z "$ca_code" ] || ca_state_now=REFUSED ;;
    REFUSED) if [ -z "$ca_code" ]; then # sent twice, it says the same twice
      ca_why
      ca_error "${ca_v%% *}" "${ca_v#* }"
    fi ;;
    REVERT_FAILED)
      ca_why
      ca_code='' && ca_error revert-failed "could not restore:$ca_v. $(ca_recipe)"
      ;;
    CLEANED | CONFIRMED | REVERTED) ;;
    UNREADABLE) ca_error unreadable "cannot read $ca_tx; nothing was done" ;;
    *)
      ca_left
      ca_left_now=$ca_secs_left
      ;;
  esac
  ca_get by
  ca_by_now=$ca_v
  ca_get serial
  printf 'state %s\nleft %s\nby %s\nserial %s\n' "$ca_state_now" "$ca_left_now" "$ca_by_now" "$ca_v"
  [ -z "$ca_code" ] || printf 'error %s %s\n' "$ca_code" "$ca_message"
  if [ -f "$ca_tx/journal" ]; then
    while IFS= read -r ca_v || [ -n "$ca_v" ]; do ca_put "J $ca_v$ca_nl"; done <"$ca_tx/journal"
  fi
  ca_each ca_report_service "$ca_services"
  [ "${1-}:$ca_state_now" != seen:RELOADED ] || return 0
  ca_digest_targets
  ca_told=$ca_nl
  ca_each ca_list_old "$ca_changes"
  ca_lines ca_stats "$ca_list"
  ca_each ca_report_change "$ca_changes"
}

ca_report_service() { printf 'A %s\n' "${1%% *}"; }

ca_list_old() {
  ca_change_of "$1"
  [ "$ca_kind" != edit ] || [ ! -f "$ca_tx/old/$ca_i" ] || ca_list=$ca_list$ca_tx/old/$ca_i$ca_nl
}

ca_stats() { ca_tell 'stat -L -c %a:%U:%G' "$@"; }

# ca_meta_of FILE: its mode, owner and group, in ca_v; "- - -" where there is none.
ca_meta_of() {
  ca_told_of "$ca_told" "$1"
  case $ca_v in *:*:*) ;; *) ca_v=-:-:- ;; esac
  ca_v="${ca_v%%:*} ${ca_v#*:}"
  ca_v="${ca_v%:*} ${ca_v##*:}"
}

ca_report_change() {
  ca_change_of "$1"
  if [ -f "$ca_tx/after.$ca_i" ]; then
    ca_get "after.$ca_i"
    ca_after=$ca_v
  fi
  ca_left_as="$ca_mode $ca_owner_of $ca_group"
  if [ "$ca_kind" = edit ] && [ -f "$ca_tx/old/$ca_i" ]; then # an edit keeps them
    ca_meta_of "$ca_tx/old/$ca_i"
    ca_left_as=$ca_v
  fi
  ca_digest_of "$ca_file"
  ca_now=${ca_v:--}
  ca_meta_of "$ca_file"
  printf 'F %s %s %s %s %s %s ' "$ca_kind" "$ca_before" "$ca_after" "$ca_now" "$ca_v" "$ca_left_as"
  ca_name "$ca_file"
}
