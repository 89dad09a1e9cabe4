# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# transaction.sh: a change from NEW to RELOADED.  Each verb is safe to repeat: a connection that was lost may have sent it twice.

# ca_open ID SECONDS TOKEN MACHINE HOSTKEY BY: what ca_apply is to do; only variables are set.
ca_open() {
  umask 077
  ca_code='' ca_message='' ca_self='' ca_way=there ca_known='' ca_dirty=''
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
  ca_report seen
  ca_unlock
}

ca_try_apply() {
  if [ -e "$ca_state/stop" ]; then
    ca_error stopped "this host takes no changes: $ca_state/stop is there: $(head -n 1 "$ca_state/stop")"
    return 1
  fi
  ca_none_pending || return 1
  ca_missing cp ln mv rm mkdir rmdir chmod chown cat sync sort tr wc tail sleep
  [ -z "$ca_lacks" ] || { ca_error missing-utility "the host lacks ${ca_lacks%"$ca_nl"}"; return 1; }
  ca_machine || { ca_error unreadable "cannot read /etc/machine-id or the host keys"; return 1; }
  if { [ "$ca_for_machine" != - ] && [ "$ca_for_machine" != "${ca_this%%:*}" ]; } ||
    { [ "$ca_hostkey" != - ] && ! ca_common "$ca_hostkey" "${ca_this#*:}"; }; then
    ca_error identity "this host was replaced: another machine-id than was planned for, or none of its host keys is left; make a new plan"
    return 1
  fi
  if ! ca_prepare || ! ca_arm || ! ca_record ARMED; then
    ca_error arm "the way back could not be armed"
    ca_undo_early
    return 1
  fi
  ca_count
  if ca_swap_all && ca_record SWAPPED && ca_check_deferred && ca_activate_all && ca_record RELOADED; then return 0; fi
  ca_error swap "the new files could not be put in place"
  ca_back "$ca_message"
}

# ca_none_pending: no other transaction is neither confirmed nor taken back.
ca_none_pending() {
  ca_mine=$ca_tid
  for ca_p in "$ca_state"/tx/*/journal; do
    [ -f "$ca_p" ] || continue
    ca_p=${ca_p%/journal}
    ca_enter "${ca_p##*/}"
    ca_peek
    ca_has_ended || ca_last
    ca_has_ended || break
    ca_enter "$ca_mine"
  done
  [ "$ca_tid" != "$ca_mine" ] || return 0
  ca_left
  ca_get by
  ca_because="transaction $ca_tid of host $(ca_host) is pending, $ca_secs_left s left, started by $ca_v"
  [ "$ca_secs_left" -gt 0 ] || ca_because="$ca_because; run recover"
  ca_enter "$ca_mine"
  ca_error pending "$ca_because"
}

ca_has_ended() { case $ca_st in CLEANED | CONFIRMED | REVERTED | REFUSED) ;; *) return 1 ;; esac }

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

# ca_host_key: in ca_key, the digests of all public halves of host keys, commas between: while one of them stays this is the same host.
ca_host_key() {
  ca_key=''
  set --
  for ca_f in /etc/ssh/ssh_host_*_key.pub; do
    if [ -r "$ca_f" ]; then set -- "$@" "$ca_f"; fi
  done
  [ $# -gt 0 ] || return 0
  # shellcheck disable=SC2086 # words of ours
  ca_summer && ca_h=$($ca_sum "$@") || return 1
  ca_lines ca_host_key_of "$ca_h"
}

ca_host_key_of() {
  for ca_v; do ca_key=$ca_key${ca_key:+,}${ca_v%% *}; done
}

# ca_machine: in ca_this, who this machine is; a restored or cloned disk never acts on another machine's transaction.
ca_machine() {
  ca_this=''
  if [ -e /etc/machine-id ]; then read -r ca_this </etc/machine-id || ca_this=$(cat /etc/machine-id) || return 1; fi # it may have no end of line
  ca_host_key && ca_this=$ca_this:$ca_key
}

# ca_common LIST LIST: whether two lists with commas have a word in common; without a word in either they do.
ca_common() {
  [ "$1" != "$2" ] || return 0
  ca_among=,$2,
  ! ca_commas ca_not_among "$1"
}

ca_not_among() { case $ca_among in *",$1,"*) return 1 ;; esac }

# ca_ours: whether this machine may act on the transaction.  Host keys that were all made anew meanwhile (the script of a package does that) are no
# other machine while machine-id and boot are the same; that is written down, for the next boot.
ca_ours() {
  if ! ca_machine || ! ca_get identity; then
    ca_error unreadable "cannot read $ca_tx/identity or /etc/machine-id; nothing was done"
    return 1
  fi
  ca_owner_was=$ca_v
  if [ "${ca_v%%:*}" = "${ca_this%%:*}" ] && ca_common "${ca_v#*:}" "${ca_this#*:}"; then return 0; fi
  ca_boot
  ca_get boot
  if [ "${ca_owner_was%%:*}" != "${ca_this%%:*}" ] || [ "$ca_v" != "${ca_booted-}" ]; then
    ca_error identity "this transaction belongs to another machine; recover with adopt closes it here"
  else
    [ -z "${ca_this#*:}" ] || ca_adopt # no key at all may be a folder that could not be read just now
    return 0
  fi
}

# ca_adopt: from now on it is this machine's.
ca_adopt() {
  ca_machine && ca_put_identity
}

# ca_know_again: host keys that this very transaction puts in place are this machine's, too, in whichever state a crash leaves them.
ca_know_again() {
  ca_get identity || return 1
  ca_this=$ca_v ca_identity=$ca_v
  ca_each ca_know_key "$ca_changes" || return 1
  [ "$ca_this" = "$ca_identity" ] || ca_put_identity
}

ca_know_key() {
  ca_change_of "$1"
  case $ca_kind:$ca_file in remove:*) ;; *:/etc/ssh/ssh_host_*_key.pub) ca_get "after.$ca_i" && ca_this=$ca_this,$ca_v ;; esac
}

# ca_put_identity: what ca_this says.
ca_put_identity() {
  printf '%s\n' "$ca_this" >"$ca_tx/identity.new" && ca_sync "$ca_tx/identity.new" && mv -f "$ca_tx/identity.new" "$ca_tx/identity" && ca_sync "$ca_tx"
}

# ca_prepare: up to VALIDATED; nothing that a daemon reads has changed.
ca_prepare() {
  ca_note_all
  ca_write_down 2>/dev/null || { ca_error disk-full "cannot write $ca_tx"; return 1; }
  ca_preflight || { ca_error refused-target "cannot look at what is to change"; return 1; }
  { mkdir "$ca_tx/old" && ca_each ca_snapshot "$ca_changes" && ca_later "$ca_tx/old" && ca_record SNAPSHOTTED; } 2>/dev/null ||
    { ca_error disk-full "cannot keep the old files"; return 1; }
  { ca_stage && ca_know_again && ca_record STAGED; } 2>/dev/null || { ca_error disk-full "cannot write the new files"; return 1; }
  ca_validate || { ca_error validate "the check could not be run"; return 1; }
}

# ca_write_down: everything that the way back needs, and room for its journal on a full disk.
ca_write_down() {
  ca_boot
  ca_uptime
  ca_stop_switch && ca_number && mkdir "$ca_tx" && printf '%s' "$ca_changes" >"$ca_tx/changes" && printf '%s' "$ca_services" >"$ca_tx/services" &&
    printf '%s' "$ca_checks" >"$ca_tx/checks" && printf '%s' "$ca_stood" >"$ca_tx/before" &&
    printf '%s\n' "$ca_token" >"$ca_tx/token" && printf '%s\n' "$ca_by" >"$ca_tx/by" && printf '%s\n' "$ca_booted" >"$ca_tx/boot" &&
    printf '%s\n' "$((ca_up + ca_secs))" >"$ca_tx/deadline" && printf '%s\n' "$ca_serial" >"$ca_tx/serial" && printf '%s\n' "$ca_this" >"$ca_tx/identity" &&
    ca_put "$CA_AGENT$ca_nl" >"$ca_tx/agent.sh" && printf 'ca_cli %s "$@"\n' "$ca_tid" >>"$ca_tx/agent.sh" &&
    printf '%s\n' '# Takes this change back without controller or network; a confirmed one, too, as long as its old files are kept.' \
      "[ ! -e '$ca_tx/agent.sh' ] || exec /bin/sh '$ca_tx/agent.sh' revert 'by hand'" "exec /bin/sh '$ca_tx/undo.sh' undo" >"$ca_tx/revert.sh" &&
    printf '%8192s' '' >"$ca_tx/reserve" &&
    ca_sync "$ca_tx"/* "$ca_tx" "$ca_state/serial.new" "$ca_state/tx" "$ca_state" "${ca_state%/*}" &&
    mv -f "$ca_state/serial.new" "$ca_state/serial" && ca_later "$ca_state" && ca_record NEW
}

# ca_number: transactions are counted, so that their order is known without a clock: in ca_serial, the number of this one.
ca_number() {
  ca_serial=0
  if [ -e "$ca_state/serial" ]; then read -r ca_serial <"$ca_state/serial" || return 1; fi
  ca_serial=$((ca_serial + 1))
  printf '%s\n' "$ca_serial" >"$ca_state/serial.new"
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
