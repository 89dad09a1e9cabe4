# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# psk.sh: a key that both ends of a link share.  One end's host makes it, it travels sealed for key pairs that the other end's host made for it
# alone, and it is on no command line.  It waits in keys/ID/1.key, like every key, until transaction ID has put it in its place.

# ca_psk_room ID: the folder of its keys, in ca_keys, or it says why not.
ca_psk_room() {
  ca_keys=$ca_state/keys/$1
  printf '\001K 1\n'
  umask 077
  if [ "$(id -u)" != 0 ]; then
    printf 'error no-privilege making keys needs root; use become\n'
  elif ! command -v openssl >/dev/null 2>&1; then
    printf 'error missing-utility the host lacks openssl, which seals the key\n'
  elif ! { mkdir -p "$ca_keys" && chmod 700 "$ca_state" "$ca_state/keys" "$ca_keys" && printf '[req]\ndistinguished_name=dn\n[dn]\n' >"$ca_keys/cnf"; } 2>/dev/null; then
    printf 'error disk-full cannot write %s\n' "$ca_keys"
  else
    return 0
  fi
  return 1
}

# ca_psk_do WORD...: what openssl does, or it says why not.
ca_psk_do() {
  ca_said=$(ca_bounded 60 openssl "$@" 2>&1 </dev/null) && return 0
  printf 'error openssl openssl %s says: %s\n' "$1" "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
  return 1
}

# ca_psk_receiver ID: key pairs that a key may be sealed for: P-384, and ML-KEM-768 where this openssl has it.
ca_psk_receiver() {
  ca_psk_room "$1" || return 0
  if [ ! -s "$ca_keys/to.crt" ]; then
    ca_psk_do genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$ca_keys/to.key" &&
      ca_psk_do req -x509 -new -key "$ca_keys/to.key" -config "$ca_keys/cnf" -subj /CN=link -days 2 -out "$ca_keys/to.crt" || return 0
    ca_bounded 60 openssl genpkey -algorithm ML-KEM-768 -out "$ca_keys/kem.key" >/dev/null 2>&1 </dev/null || rm -f "$ca_keys/kem.key"
  fi
  cat "$ca_keys/to.crt"
  [ ! -s "$ca_keys/kem.key" ] || openssl pkey -in "$ca_keys/kem.key" -pubout
}

# ca_psk_make ID SALT CERTIFICATE KEM: a new key, sealed for the other end: encrypted under the secret of ML-KEM where both can, and what comes of
# that in CMS AuthEnvelopedData (AES-256-GCM, ECDH).  Whoever would read it has to break both.  Safe to repeat: a key that is there stays.
ca_psk_make() {
  ca_psk_room "$1" || return 0
  ca_inner=$ca_keys/1.key ca_kem=''
  if [ ! -s "$ca_keys/1.key" ]; then
    ca_psk_do rand -base64 -out "$ca_keys/1.new" 32 && ca_psk_whole || return 0
  fi
  if ! ca_put "$3" >"$ca_keys/to.crt" || ! ca_put "$4" >"$ca_keys/kem.pub"; then
    printf 'error disk-full cannot write %s\n' "$ca_keys"
    return
  fi
  if [ -n "$4" ] && openssl pkey -pubin -in "$ca_keys/kem.pub" -noout >/dev/null 2>&1; then
    ca_inner=$ca_keys/inner.key ca_kem=$ca_keys/kem.ct
    ca_psk_do pkeyutl -encap -pubin -inkey "$ca_keys/kem.pub" -secret "$ca_keys/raw.key" -out "$ca_kem" &&
      ca_psk_do base64 -A -in "$ca_keys/raw.key" -out "$ca_keys/pass.key" &&
      ca_psk_do enc -aes-256-ctr -pbkdf2 -iter 1 -md sha256 -pass "file:$ca_keys/pass.key" -in "$ca_keys/1.key" -out "$ca_inner" || return 0
  fi
  ca_psk_do cms -encrypt -binary -aes-256-gcm -outform PEM -in "$ca_inner" -out "$ca_keys/sealed" -recip "$ca_keys/to.crt" -keyopt ecdh_kdf_md:sha384 || return 0
  printf 'digest %s\n' "$(ca_psk_digest "$2" <"$ca_keys/1.key")"
  [ -z "$ca_kem" ] || printf 'kem %s\n' "$(openssl base64 -A -in "$ca_kem")"
  cat "$ca_keys/sealed"
}

# ca_psk_take ID SALT KEM SEALED: opened again; what was changed on its way does not open.  KEM: what ML-KEM encapsulated, "" = it was not used.
ca_psk_take() {
  ca_psk_room "$1" || return 0
  if [ ! -s "$ca_keys/1.key" ]; then
    if ! ca_put "$4" >"$ca_keys/sealed" || ! ca_put "$3" >"$ca_keys/kem.b64"; then
      printf 'error disk-full cannot write %s\n' "$ca_keys"
      return
    fi
    ca_psk_do cms -decrypt -binary -inform PEM -in "$ca_keys/sealed" -inkey "$ca_keys/to.key" -recip "$ca_keys/to.crt" -out "$ca_keys/1.new" || return 0
    if [ -n "$3" ]; then
      mv -f "$ca_keys/1.new" "$ca_keys/inner.key" && ca_psk_do base64 -d -A -in "$ca_keys/kem.b64" -out "$ca_keys/kem.ct" &&
        ca_psk_do pkeyutl -decap -inkey "$ca_keys/kem.key" -in "$ca_keys/kem.ct" -secret "$ca_keys/raw.key" &&
        ca_psk_do base64 -A -in "$ca_keys/raw.key" -out "$ca_keys/pass.key" &&
        ca_psk_do enc -d -aes-256-ctr -pbkdf2 -iter 1 -md sha256 -pass "file:$ca_keys/pass.key" -in "$ca_keys/inner.key" -out "$ca_keys/1.new" || return 0
    fi
    ca_psk_whole || return 0
  fi
  printf 'digest %s\n' "$(ca_psk_digest "$2" <"$ca_keys/1.key")"
}

# ca_psk_whole: 1.new is 32 bytes in base64, and becomes 1.key; a full disk leaves less.
ca_psk_whole() {
  if [ "$(wc -c <"$ca_keys/1.new")" -eq 45 ] && mv -f "$ca_keys/1.new" "$ca_keys/1.key"; then return 0; fi
  printf 'error disk-full no whole key came of it in %s\n' "$ca_keys"
  return 1
}

# ca_psk_digest SALT: of the key on standard input, for those who compare.
ca_psk_digest() {
  { printf '%s' "$1" && tr -d ' \t\r\n'; } | ca_sha | { read -r ca_h _ && printf '%s' "$ca_h"; }
}

# ca_key_line NUMBER LEAD: the line of a file that holds that key behind LEAD.
ca_key_line() {
  ca_private "$ca_n" && printf '%s' "$2" && cat "$ca_state/keys/$ca_tid/$1.key"
}

# ---- WireGuard: a peer has one preshared key, which counts from the next handshake on.

# ca_wg_load INTERFACE: what its file says, into effect.  Sessions go on.
ca_wg_load() {
  wg-quick strip "$1" 2>/dev/null | wg syncconf "$1" /dev/stdin 2>/dev/null
}

# ca_wg_psk PEER: the preshared key of that peer in the file on standard input.
ca_wg_psk() {
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

# ca_wg_meet INTERFACE PEER [FILE]: 0 when they shook hands anew, with the key in effect or with that of FILE.  Nothing else makes WireGuard do it
# than taking the peer away and putting it back, where it is now; after a boot nobody may know where, and it has to come.
ca_wg_meet() {
  wg show "$1" endpoints >/dev/null 2>&1 || return 1
  ca_at=$(ca_wg_of endpoints "$1" "$2")
  wg set "$1" peer "$2" remove
  ca_wg_load "$1" || ca_wg_load "$1" || return 1
  if [ $# -gt 2 ]; then ca_wg_psk "$2" <"$3" | wg set "$1" peer "$2" preshared-key /dev/stdin; fi
  wg set "$1" peer "$2" ${ca_at:+endpoint "$ca_at"} persistent-keepalive 1
  ca_tries=0
  until [ "$(ca_wg_of latest-handshakes "$1" "$2")" != 0 ]; do
    ca_tries=$((ca_tries + 1))
    [ "$ca_tries" -le 12 ] || break
    sleep 1
  done
  ca_wg_load "$1"
  [ "$ca_tries" -le 12 ]
}

# ca_psk_meet INTERFACE PEER: asked by the controller.
ca_psk_meet() {
  if ca_wg_meet "$1" "$2"; then printf '\001M yes\n'; else printf '\001M no\n'; fi
}

# ca_psk_seen INTERFACE PEER SALT: the last handshake by this host's clock, and digests of the key in effect and of the key in the file.
ca_psk_seen() {
  printf '\001Q\nnow %s\nmet %s\n' "$(date +%s)" "$(ca_wg_of latest-handshakes "$1" "$2")"
  printf 'live %s\n' "$(ca_wg_of preshared-keys "$1" "$2" | ca_psk_digest "$3")"
  printf 'file %s\n' "$(wg-quick strip "$1" 2>/dev/null | ca_wg_psk "$2" | ca_psk_digest "$3")"
}

# ---- Two hosts cannot be told at one moment.  One end decides, as any transaction: confirmed, or back at its deadline.  The other, from ca_follow
# on, does as that end does: it learns that from the tunnel itself, when its own deadline has come, which is the later one.

# ca_follow ID SECONDS INTERFACE PEER: refused when less than that is left, so that the other end has decided before.
ca_follow() {
  if ca_begin "$1"; then
    ca_last
    ca_left
    if [ "$ca_st" != RELOADED ]; then
      ca_error late "it is $ca_st"
    elif [ "$ca_secs_left" -lt "$2" ]; then
      ca_error late "this took too long: only $ca_secs_left s are left"
    else
      { printf '%s %s\n' "$3" "$4" >"$ca_tx/follow.new" && ca_sync "$ca_tx/follow.new" && mv -f "$ca_tx/follow.new" "$ca_tx/follow" && ca_sync "$ca_tx"; } 2>/dev/null ||
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
    ca_get follow
    ca_followed=$ca_v
    if ca_wg_meet "${ca_followed%% *}" "${ca_followed#* }"; then
      ca_rc=0
      ca_in_place && ca_record VERIFIED "the other end has it, too: they shook hands" && ca_record CONFIRMED && ca_finish
      [ -z "$ca_code" ] || ca_rc=1 # the files are not what was proved
    elif ! ca_wg_meet "${ca_followed%% *}" "${ca_followed#* }" "$ca_tx/old/1"; then
      ca_rc=0
    fi
  fi
  ca_unlock
  return "$ca_rc"
}
