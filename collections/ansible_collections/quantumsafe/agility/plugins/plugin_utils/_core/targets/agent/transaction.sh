# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# transaction.sh: a change from NEW to RELOADED.  Each verb is safe to repeat: a connection that was lost may have sent it twice.

# ca_open ID SECONDS TOKEN MACHINE HOSTKEY BY: what ca_apply is to do; only variables are set.
ca_open() {
  umask 077
  ca_code='' ca_message='' ca_self='' ca_way=there
  ca_enter "$1"
  ca_loaded=$1 ca_secs=$2 ca_token=$3 ca_for_machine=$4 ca_hostkey=$5 ca_by=$6 ca_changes='' ca_services='' ca_checks='' ca_stood=''
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
  for ca_word; do ca_checks="$ca_checks$ca_name_of $ca_word$ca_nl"; done
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
  if [ -e "$ca_state/stop" ]; then
    ca_error stopped "this host takes no changes: $ca_state/stop is there: $(head -n 1 "$ca_state/stop")"
    return 1
  fi
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
  if { [ "$ca_for_machine" != - ] && [ "$ca_for_machine" != "$ca_machine_id" ]; } ||
    { [ "$ca_hostkey" != - ] && ! ca_common "$ca_hostkey" "$(ca_host_key)"; }; then
    ca_error identity "this host was replaced: another machine-id than was planned for, or none of its host keys is left; make a new plan"
    return 1
  fi
  if ! ca_prepare || ! ca_arm || ! ca_record ARMED; then
    ca_error arm "the way back could not be armed"
    ca_undo_early
    return 1
  fi
  ca_count
  if ca_each ca_swap "$ca_changes" && ca_record SWAPPED && ca_each ca_check "$ca_services" && ca_activate_all && ca_record RELOADED; then return 0; fi
  ca_error swap "the new files could not be put in place"
  ca_back "$ca_message"
}

# ca_count: how many changes there are, in ca_of_all.
ca_count() {
  ca_of_all=0
  ca_each ca_count_one "$ca_changes"
}

ca_count_one() { ca_of_all=$((ca_of_all + 1)); }

# ca_host: what this machine calls itself.
ca_host() {
  read -r ca_v </proc/sys/kernel/hostname && printf '%s' "$ca_v"
}

# ca_machine: who this machine is; a restored or cloned disk never acts on another machine's transaction.
ca_machine() {
  ca_v='' ca_key=''
  if [ -e /etc/machine-id ]; then ca_v=$(cat /etc/machine-id) || return 1; fi
  ca_key=$(ca_host_key) && printf '%s:%s' "$ca_v" "$ca_key"
}

# ca_common LIST LIST: whether two lists with commas have a word in common; without a word in either they do.
ca_common() {
  [ "$1" != "$2" ] || return 0
  for ca_h in $(printf '%s' "$1" | tr ',' ' '); do
    case ,$2, in *",$ca_h,"*) return 0 ;; esac
  done
  return 1
}

# ca_ours: whether this machine may act on the transaction.  Host keys that were all made anew meanwhile (the script of a package does that) are no
# other machine while machine-id and boot are the same; that is written down, for the next boot.
ca_ours() {
  if ! ca_now=$(ca_machine) || ! ca_then=$(ca_get identity); then
    ca_error unreadable "cannot read $ca_tx/identity or /etc/machine-id; nothing was done"
  elif [ "${ca_then%%:*}" = "${ca_now%%:*}" ] && ca_common "${ca_then#*:}" "${ca_now#*:}"; then
    return 0
  elif [ "${ca_then%%:*}" != "${ca_now%%:*}" ] || [ "$(ca_get boot)" != "$(ca_boot)" ]; then
    ca_error identity "this transaction belongs to another machine; recover with adopt closes it here"
  else
    [ -z "${ca_now#*:}" ] || ca_adopt # no key at all may be a folder that could not be read just now
    return 0
  fi
}

# ca_adopt: from now on it is this machine's.
ca_adopt() {
  ca_now=$(ca_machine) && ca_put_identity
}

# ca_know_again: host keys that this very transaction puts in place are this machine's, too, in whichever state a crash leaves them.
ca_know_again() {
  ca_now=$(ca_get identity) && ca_each ca_know_key "$ca_changes" || return 1
  [ "$ca_now" = "$(ca_get identity)" ] || ca_put_identity
}

ca_know_key() {
  ca_change_of "$1"
  case $ca_kind:$ca_file in remove:*) ;; *:/etc/ssh/ssh_host_*_key.pub) ca_v=$(ca_get "after.$ca_i") && ca_now=$ca_now,$ca_v ;; esac
}

# ca_put_identity: what ca_now says.
ca_put_identity() {
  printf '%s\n' "$ca_now" >"$ca_tx/identity.new" && ca_sync "$ca_tx/identity.new" && mv -f "$ca_tx/identity.new" "$ca_tx/identity" && ca_sync "$ca_tx"
}

# ca_prepare: up to VALIDATED; nothing that a daemon reads has changed.
ca_prepare() {
  ca_each ca_note_before "$ca_services"
  ca_write_down 2>/dev/null || { ca_error disk-full "cannot write $ca_tx"; return 1; }
  ca_each ca_preflight "$ca_changes" || { ca_error refused-target "cannot look at what is to change"; return 1; }
  { mkdir "$ca_tx/old" && ca_each ca_snapshot "$ca_changes" && ca_sync "$ca_tx/old" "$ca_tx" && ca_record SNAPSHOTTED; } 2>/dev/null ||
    { ca_error disk-full "cannot keep the old files"; return 1; }
  { ca_each ca_stage "$ca_changes" && ca_know_again && ca_record STAGED; } 2>/dev/null || { ca_error disk-full "cannot write the new files"; return 1; }
  ca_validate || { ca_error validate "the check could not be run"; return 1; }
  ca_sync "$ca_tx"/* "$ca_tx" "$ca_state/tx" "$ca_state"
}

# ca_write_down: everything that the way back needs, and room for its journal on a full disk.
ca_write_down() {
  ca_stop_switch && mkdir "$ca_tx" && printf '%s' "$ca_changes" >"$ca_tx/changes" && printf '%s' "$ca_services" >"$ca_tx/services" &&
    printf '%s' "$ca_checks" >"$ca_tx/checks" && printf '%s' "$ca_stood" >"$ca_tx/before" &&
    printf '%s\n' "$ca_token" >"$ca_tx/token" && printf '%s\n' "$ca_by" >"$ca_tx/by" && printf '%s\n' "$(ca_boot)" >"$ca_tx/boot" &&
    printf '%s\n' "$(($(ca_uptime) + ca_secs))" >"$ca_tx/deadline" && ca_number >"$ca_tx/serial" && ca_now=$(ca_machine) && printf '%s\n' "$ca_now" >"$ca_tx/identity" &&
    ca_put "$CA_AGENT$ca_nl" >"$ca_tx/agent.sh" && printf 'ca_cli %s "$@"\n' "$ca_tid" >>"$ca_tx/agent.sh" &&
    printf '%s\n' '# Takes this change back without controller or network; a confirmed one, too, as long as its old files are kept.' \
      "[ ! -e '$ca_tx/agent.sh' ] || exec /bin/sh '$ca_tx/agent.sh' revert 'by hand'" "exec /bin/sh '$ca_tx/undo.sh' undo" >"$ca_tx/revert.sh" &&
    head -c 8192 /dev/zero >"$ca_tx/reserve" &&
    ca_sync "$ca_tx"/* "$ca_tx" "$ca_state/tx" "$ca_state" "${ca_state%/*}" && ca_record NEW
}

# ca_number: transactions are counted, so that their order is known without a clock.
ca_number() {
  ca_v=0
  if [ -e "$ca_state/serial" ]; then read -r ca_v <"$ca_state/serial" || return 1; fi
  printf '%s\n' "$((ca_v + 1))" >"$ca_state/serial.new" && ca_sync "$ca_state/serial.new" && mv -f "$ca_state/serial.new" "$ca_state/serial" && printf '%s\n' "$((ca_v + 1))"
}

# ca_stop_switch: how a person at the console ends all of this: nothing new begins, and what is pending goes back.
ca_stop_switch() {
  [ ! -e "$ca_state/stop.sh" ] || return 0
  # shellcheck disable=SC2016 # it is expanded when it runs
  printf '%s\n' '# Takes back every change that waits for its confirmation, and lets none begin until the file "stop" beside this one is removed.' \
    "cd '$ca_state' || exit 1" '[ -e stop ] || echo "stopped by hand" >stop' 'code=0' \
    'for agent in tx/*/agent.sh; do [ ! -e "$agent" ] || /bin/sh "$agent" stop || code=1; done' 'exit $code' >"$ca_state/stop.sh.new" &&
    ca_sync "$ca_state/stop.sh.new" && mv -f "$ca_state/stop.sh.new" "$ca_state/stop.sh"
}
