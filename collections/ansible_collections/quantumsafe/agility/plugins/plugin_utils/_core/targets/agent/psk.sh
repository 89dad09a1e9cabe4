# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# psk.sh: the preshared key of a peer of WireGuard, which has one, and mixes it in at the next handshake and not before.

# ca_wg_load INTERFACE: what its file says, into effect.  Sessions go on.
ca_wg_load() {
  wg-quick strip "$1" 2>/dev/null | wg syncconf "$1" /dev/stdin 2>/dev/null
}

# A key stands where its FORM says: quick (the file of wg-quick), netdev (a file of networkd), key (PATH holds it and nothing else).

# ca_wg_psk PEER FORM: the preshared key of that peer in the file on standard input.
ca_wg_psk() {
  if [ "$2" = key ]; then
    head -n 1 | tr -d ' \t\r'
    return
  fi
  awk -v p="$1" 'function out() { if (pub == p && psk != "") print psk; pub = psk = "" }
    { sub(/#.*/, ""); gsub(/[ \t\r]/, ""); low = tolower($0) }
    low ~ /^\[/ { out() }
    low ~ /^publickey=/ { pub = substr($0, 11) }
    low ~ /^presharedkey=/ { psk = substr($0, 14) }
    END { out() }'
}

# ca_wg_of WHAT INTERFACE PEER: what wg shows of that peer; nothing for "(none)".
ca_wg_of() {
  wg show "$2" "$1" 2>/dev/null | awk -v p="$3" '$1 == p && $2 != "(none)" { print $2 }'
}

# ca_wg_meet INTERFACE PEER FORM [FILE]: 0 when they shook hands anew, with the key in effect or with that of FILE.  Nothing else makes WireGuard do
# it than taking the peer away and putting it back, where it is now; after a boot nobody may know where, and it has to come.
ca_wg_meet() {
  wg show "$1" endpoints >/dev/null 2>&1 || return 1
  ca_at=$(ca_wg_of endpoints "$1" "$2")
  if [ "$3" = quick ]; then
    wg set "$1" peer "$2" remove
    ca_wg_load "$1" || ca_wg_load "$1" || return 1
    if [ $# -gt 3 ]; then ca_wg_psk "$2" "$3" <"$4" | wg set "$1" peer "$2" preshared-key /dev/stdin; fi
    wg set "$1" peer "$2" ${ca_at:+endpoint "$ca_at"} persistent-keepalive 1
  else
    ca_every=$(ca_wg_of persistent-keepalive "$1" "$2")
    ca_wg_again "$@" || return 1
  fi
  ca_tries=0
  until [ "$(ca_wg_of latest-handshakes "$1" "$2")" != 0 ]; do
    ca_tries=$((ca_tries + 1))
    [ "$ca_tries" -le 12 ] || break
    sleep 1
  done
  if [ "$3" = quick ]; then ca_wg_load "$1"; else wg set "$1" peer "$2" persistent-keepalive "${ca_every:-off}"; fi
  [ "$ca_tries" -le 12 ]
}

# ca_wg_again INTERFACE PEER FORM [FILE]: networkd puts no peer back whose file is as it was, so the peer goes and comes in one call, as it is.
ca_wg_again() {
  ca_ips=$(wg show "$1" allowed-ips 2>/dev/null | awk -v p="$2" '$1 == p && $2 != "(none)" { for (i = 2; i <= NF; i++) printf "%s%s", (i > 2 ? "," : ""), $i }')
  if [ $# -gt 3 ]; then ca_wg_psk "$2" "$3" <"$4"; else ca_wg_of preshared-keys "$1" "$2"; fi |
    wg set "$1" peer "$2" remove peer "$2" preshared-key /dev/stdin allowed-ips "$ca_ips" ${ca_at:+endpoint "$ca_at"} persistent-keepalive 1
}

# ca_psk_meet INTERFACE PEER FORM: asked by the controller.
ca_psk_meet() {
  if ca_wg_meet "$1" "$2" "$3"; then printf '\001M yes\n'; else printf '\001M no\n'; fi
}

# ca_psk_seen INTERFACE PEER FORM PATH SALT: the last handshake by this host's clock, and digests of the key in effect and of the key in the file.
ca_psk_seen() {
  printf '\001Q\nnow %s\nmet %s\n' "$(date +%s)" "$(ca_wg_of latest-handshakes "$1" "$2")"
  printf 'live %s\n' "$(ca_wg_of preshared-keys "$1" "$2" | ca_seal_digest "$5")"
  printf 'file %s\n' "$(if [ "$3" = quick ]; then wg-quick strip "$1" 2>/dev/null; else cat -- "$4" 2>/dev/null; fi | ca_wg_psk "$2" "$3" | ca_seal_digest "$5")"
}

# ---- Two hosts cannot be told at one moment.  One end decides, as any transaction: confirmed, or back at its deadline.  The other, from ca_follow
# on, does as that end does: it learns that from the tunnel itself, when its own deadline has come, which is the later one.

# ca_follow ID SECONDS INTERFACE PEER FORM: refused when less than that is left, so that the other end has decided before.
ca_follow() {
  if ca_begin "$1"; then
    ca_last
    ca_left
    if [ "$ca_st" != RELOADED ]; then
      ca_error late "it is $ca_st"
    elif [ "$ca_secs_left" -lt "$2" ]; then
      ca_error late "this took too long: only $ca_secs_left s are left"
    else
      { printf '%s %s %s\n' "$3" "$4" "$5" >"$ca_tx/follow.new" && ca_sync "$ca_tx/follow.new" && mv -f "$ca_tx/follow.new" "$ca_tx/follow" && ca_sync "$ca_tx"; } 2>/dev/null ||
        ca_error disk-full "cannot write $ca_tx"
    fi
  fi
  ca_report
  ca_unlock
}

# ca_follows: 0 when this transaction is not to go back: the other end has the new key, so it is confirmed here, too; or nobody answers with either
# key, so that nothing can be said, and the next round asks again.
ca_follows() {
  [ -s "$ca_tx/follow" ] || return 1
  ca_begin "$ca_tid" end || return 0
  ca_rc=1
  ca_last
  if [ "$ca_st" = RELOADED ]; then
    read -r ca_if ca_peer ca_form <"$ca_tx/follow"
    if ca_wg_meet "$ca_if" "$ca_peer" "${ca_form:-quick}"; then
      ca_rc=0
      ca_in_place && ca_record VERIFIED "the other end has it, too: they shook hands" && ca_record CONFIRMED && ca_finish
      [ -z "$ca_code" ] || ca_rc=1 # the files are not what was proved
    elif ! ca_wg_meet "$ca_if" "$ca_peer" "${ca_form:-quick}" "$ca_tx/old/1"; then
      ca_rc=0
    fi
  fi
  ca_unlock
  return "$ca_rc"
}
