# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# transaction.sh: the verbs.  Each is safe to repeat: a connection that was lost may have sent it twice.

# ca_open ID SECONDS TOKEN MACHINE HOSTKEY BY: what ca_apply is to do; only variables are set.
ca_open() {
  umask 077
  ca_code='' ca_message='' ca_self=''
  ca_enter "$1"
  ca_secs=$2 ca_token=$3 ca_machine=$4 ca_hostkey=$5 ca_by=$6 ca_changes='' ca_services='' ca_checks=''
}

# ca_change NUMBER KIND BEFORE AFTER MODE OWNER GROUP SOURCE PATH
ca_change() {
  ca_changes="$ca_changes$*$ca_nl"
}

# ca_activate NAME ACTION UNITS SOCKETS PORTS CHECK...
ca_activate() {
  ca_services="$ca_services$1 $2 $3 $4 $5$ca_nl"
  ca_name_of=$1
  shift 5
  ca_checks="$ca_checks$ca_name_of$ca_nl$(printf '%s\n' "$@")$ca_nl.$ca_nl"
}

# ca_apply: NEW to RELOADED, or back to what was.  Before ARMED a failure leaves nothing; from there on it reverts at once.
# Sent twice it waits for the first and says what became of it.
ca_apply() {
  trap '' HUP
  if ca_lock; then [ -d "$ca_tx" ] || ca_try_apply; fi
  ca_report
  ca_unlock
}

ca_try_apply() {
  for ca_p in $(ca_pending); do
    ca_mine=$ca_tid
    ca_enter "$ca_p"
    ca_error pending "transaction $ca_p of host $(ca_host) is pending, $(ca_left) s left, started by $(ca_get by)$([ "$(ca_left)" -gt 0 ] || printf '; run recover')"
    ca_enter "$ca_mine"
    return 1
  done
  ca_lacks=$(ca_missing cp ln mv rm mkdir rmdir chmod chown cat sync sort tr wc tail sleep)
  [ -z "$ca_lacks" ] || { ca_error missing-utility "the host lacks $ca_lacks"; return 1; }
  read -r ca_machine_id 2>/dev/null </etc/machine-id || ca_machine_id=''
  if [ "$ca_machine" != - ] && [ "$ca_machine" != "$ca_machine_id" ] || [ "$ca_hostkey" != - ] && [ "$ca_hostkey" != "$(ca_host_key)" ]; then
    ca_error identity "this is not the machine that was planned for"
    return 1
  fi
  if ! ca_prepare || ! ca_arm || ! ca_record ARMED; then
    ca_error arm "the way back could not be armed"
    ca_undo_early
    return 1
  fi
  if ca_swap && ca_record SWAPPED && ca_check_all && ca_activate_all && ca_record RELOADED; then return 0; fi
  ca_error swap "the new files could not be put in place"
  ca_back "$ca_message"
}

# ca_host: what this machine calls itself.
ca_host() {
  read -r ca_v </proc/sys/kernel/hostname && printf '%s' "$ca_v"
}

# ca_machine: who this machine is; a restored or cloned disk never acts on another machine's transaction.
ca_machine() {
  ca_v=''
  [ -r /etc/machine-id ] && read -r ca_v </etc/machine-id
  printf '%s:%s' "$ca_v" "$(ca_host_key)"
}

# ca_prepare: up to VALIDATED; nothing that a daemon reads has changed.
ca_prepare() {
  ca_write_down 2>/dev/null || { ca_error disk-full "cannot write $ca_tx"; return 1; }
  ca_preflight || return 1
  ca_note_before
  { ca_snapshot && ca_record SNAPSHOTTED; } 2>/dev/null || { ca_error disk-full "cannot keep the old files"; return 1; }
  { ca_stage && ca_record STAGED; } 2>/dev/null || { ca_error disk-full "cannot write the new files"; return 1; }
  ca_validate || { ca_error validate "the check could not be run"; return 1; }
  ca_sync "$ca_tx"/* "$ca_tx" "$ca_state/tx" "$ca_state"
}

# ca_write_down: everything that the way back needs, and room for its journal on a full disk.
ca_write_down() {
  mkdir "$ca_tx" && printf '%s' "$ca_changes" >"$ca_tx/changes" && printf '%s' "$ca_services" >"$ca_tx/services" &&
    printf '%s\n' "$ca_token" >"$ca_tx/token" && printf '%s\n' "$ca_by" >"$ca_tx/by" && printf '%s\n' "$(ca_boot)" >"$ca_tx/boot" &&
    printf '%s\n' "$(($(ca_uptime) + ca_secs))" >"$ca_tx/deadline" && ca_number >"$ca_tx/serial" && ca_machine >"$ca_tx/identity" &&
    printf '%s\nca_cli %s "$@"\n' "$CA_AGENT" "$ca_tid" >"$ca_tx/agent.sh" &&
    printf '# Takes this change back, without controller or network.\nexec /bin/sh "%s/agent.sh" revert "by hand"\n' "$ca_tx" >"$ca_tx/revert.sh" &&
    head -c 8192 /dev/zero >"$ca_tx/reserve" && ca_write_checks &&
    ca_sync "$ca_tx"/* "$ca_tx" "$ca_state/tx" "$ca_state" "${ca_state%/*}" && ca_record NEW
}

# ca_number: transactions are counted, so that their order is known without a clock.
ca_number() {
  ca_v=0
  [ -r "$ca_state/serial" ] && read -r ca_v <"$ca_state/serial"
  printf '%s\n' "$((ca_v + 1))" >"$ca_state/serial.new" && mv -f "$ca_state/serial.new" "$ca_state/serial" && printf '%s\n' "$((ca_v + 1))"
}

ca_write_checks() {
  ca_at=''
  printf '%s' "$ca_checks" | while IFS= read -r ca_word; do
    if [ -z "$ca_at" ]; then
      ca_at=$ca_tx/check.$ca_word
      : >"$ca_at"
    elif [ "$ca_word" = . ]; then
      ca_at=''
    else
      printf '%s\n' "$ca_word" >>"$ca_at" || exit 1
    fi
  done
}

ca_check_all() {
  while read -r ca_service _; do ca_check || return 1; done <"$ca_tx/services"
}

# ca_undo_early: nothing was swapped: remove every trace but the journal, whose last line says why.
ca_undo_early() {
  ca_tidy
  ca_disarm
  rm -f "$ca_tx/reserve"
  ca_drop_keys "$ca_tid"
  if ca_record REFUSED "$ca_code $ca_message" 2>/dev/null; then
    for ca_p in "$ca_tx"/*; do [ "$ca_p" = "$ca_tx/journal" ] || rm -rf "$ca_p"; done
  else
    rm -rf "$ca_tx"
  fi
}

# ca_back REASON: the way back.  The lock is held.
ca_back() {
  rm -f "$ca_tx/reserve" # room for the journal on a full disk
  ca_record REVERTING "$1"
  ca_code='' ca_reason=$1 ca_way=back
  if ca_unswap; then
    # Again, with a restart: a service that died of the reload, or hangs in it, would not take another.
    ca_activate_all || { ca_code='' ca_way=again && ca_activate_all; }
    ca_tidy
    if [ -z "$ca_code" ]; then
      rm -rf "$ca_tx/old" # a second name of what is in its place again; gone for good before anybody reads REVERTED
      ca_sync "$ca_tx"
      ca_record REVERTED "$ca_reason"
      ca_disarm
      ca_trim
      ca_error reverted "$ca_reason"
      return
    fi
    ca_bad=" $ca_message"
  fi
  ca_record REVERT_FAILED "$ca_bad"
  ca_code=''
  ca_error revert-failed "could not restore:$ca_bad. By hand: for each file named in $ca_tx/changes copy $ca_tx/old/NUMBER to its path, check and reload the services in $ca_tx/services"
}

# ca_begin ID: a verb of a transaction starts; with the lock, or it says why not.
ca_begin() {
  ca_code='' ca_message=''
  ca_enter "$1"
  ca_lock
}

# ca_revert ID REASON: take back what is not confirmed.
ca_revert() {
  if ca_begin "$1"; then
    case $(ca_last) in
      ABSENT | REFUSED | REVERTED) ;;
      CONFIRMED | CLEANED) ca_error late "it was confirmed; use rollback" ;;
      *)
        if [ "$(ca_get identity)" != "$(ca_machine)" ]; then
          ca_error identity "this transaction belongs to another machine"
        elif ca_has ARMED; then
          ca_back "$2"
        else
          ca_error reverted "$2"
          ca_undo_early
        fi
        ;;
    esac
  fi
  ca_report
  ca_unlock
}

# ca_confirm ID TOKEN: proved from outside; the change stays.
ca_confirm() {
  if ca_begin "$1"; then
    case $(ca_last) in
      RELOADED | VERIFIED)
        if [ "$(printf '%s' "$2" | ca_sha | { read -r ca_h _ && printf '%s' "$ca_h"; })" != "$(ca_get token)" ]; then
          ca_error wrong-token "the token does not belong to this transaction"
        elif [ "$(ca_left)" -eq 0 ]; then
          ca_error late "the deadline has passed"
        elif ca_record VERIFIED "over a new connection" && ca_record CONFIRMED; then
          ca_finish
        else
          ca_error disk-full "cannot write the journal"
        fi
        ;;
      CONFIRMED) ca_finish ;;
      CLEANED) ;;
      REVERTED) ca_error already-reverted "it went back before: $(ca_why)" ;;
      *) ca_error late "there is nothing to confirm: $(ca_last)" ;;
    esac
  fi
  ca_report
  ca_unlock
}

# ca_why: the words of the last journal line.
ca_why() {
  tail -n 1 "$ca_tx/journal" | { read -r _ _ _ ca_v && printf '%s' "$ca_v"; }
}

# ca_finish: roll a confirmed one forward.  The boot unit needs agent.sh, so that goes last.
ca_finish() {
  ca_tidy
  ca_record CLEANED
  ca_disarm
  ca_trim
}

# ca_trim: a finished transaction keeps its journal, what it changed and the old files.
ca_trim() {
  rm -f "$ca_tx/reserve" "$ca_tx/token" "$ca_tx/agent.sh" "$ca_tx/revert.sh" "$ca_tx"/check.*
  ca_drop_keys "$ca_tid"
}

# ca_cli ID VERB [REASON]: how the copy that stays on the host is called; its exit code says whether the old files are back.
ca_cli() {
  PATH=$ca_path LC_ALL=C
  export PATH LC_ALL
  umask 077
  ca_code='' ca_message='' ca_self=${2-}
  ca_enter "$1"
  case ${2-} in
    watch) ca_watch ;;
    boot) ca_at_boot >/dev/null ;;
    revert) ca_revert "$1" "${3-by hand}" | tr '\001' ' ' && case $(ca_last) in REVERTED | REFUSED) ;; *) return 1 ;; esac ;;
    status) ca_status "$1" | tr '\001' ' ' ;;
    *) printf 'usage: sh agent.sh revert [REASON] | status\n' >&2 && return 2 ;;
  esac
}
