# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# sealed.sh: a key that both ends of a link share.  One end's host makes it, it travels sealed for key pairs that the other end's host made for it
# alone, and it is on no command line.  It waits in keys/ID/1.key, like every key, until transaction ID has put it in its place.

# ca_seal_room ID: the folder of its keys, in ca_keys, or it says why not.
ca_seal_room() {
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

# ca_seal_do WORD...: what openssl does, or it says why not.
ca_seal_do() {
  ca_said=$(ca_bounded 60 openssl "$@" 2>&1 </dev/null) && return 0
  printf 'error openssl openssl %s says: %s\n' "$1" "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
  return 1
}

# ca_seal_receiver ID: key pairs that a key may be sealed for: P-384, and ML-KEM-768 where this openssl has it.
ca_seal_receiver() {
  ca_seal_room "$1" || return 0
  if [ ! -s "$ca_keys/to.crt" ]; then
    ca_seal_do genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$ca_keys/to.key" &&
      ca_seal_do req -x509 -new -key "$ca_keys/to.key" -config "$ca_keys/cnf" -subj /CN=link -days 2 -out "$ca_keys/to.crt" || return 0
    ca_bounded 60 openssl genpkey -algorithm ML-KEM-768 -out "$ca_keys/kem.key" >/dev/null 2>&1 </dev/null || rm -f "$ca_keys/kem.key"
  fi
  cat "$ca_keys/to.crt"
  [ ! -s "$ca_keys/kem.key" ] || openssl pkey -in "$ca_keys/kem.key" -pubout
}

# ca_seal_make ID SALT CERTIFICATE KEM: a new key, sealed for the other end: encrypted under the secret of ML-KEM where both can, and what comes of
# that in CMS AuthEnvelopedData (AES-256-GCM, ECDH).  Whoever would read it has to break both.  Safe to repeat: a key that is there stays.
ca_seal_make() {
  ca_seal_room "$1" || return 0
  ca_inner=$ca_keys/1.key ca_kem=''
  if [ ! -s "$ca_keys/1.key" ]; then
    ca_seal_do rand -base64 -out "$ca_keys/1.new" 32 && ca_seal_whole || return 0
  fi
  if ! ca_put "$3" >"$ca_keys/to.crt" || ! ca_put "$4" >"$ca_keys/kem.pub"; then
    printf 'error disk-full cannot write %s\n' "$ca_keys"
    return
  fi
  if [ -n "$4" ] && openssl pkey -pubin -in "$ca_keys/kem.pub" -noout >/dev/null 2>&1; then
    ca_inner=$ca_keys/inner.key ca_kem=$ca_keys/kem.ct
    ca_seal_do pkeyutl -encap -pubin -inkey "$ca_keys/kem.pub" -secret "$ca_keys/raw.key" -out "$ca_kem" &&
      ca_seal_do base64 -A -in "$ca_keys/raw.key" -out "$ca_keys/pass.key" &&
      ca_seal_do enc -aes-256-ctr -pbkdf2 -iter 1 -md sha256 -pass "file:$ca_keys/pass.key" -in "$ca_keys/1.key" -out "$ca_inner" || return 0
  fi
  ca_seal_do cms -encrypt -binary -aes-256-gcm -outform PEM -in "$ca_inner" -out "$ca_keys/sealed" -recip "$ca_keys/to.crt" -keyopt ecdh_kdf_md:sha384 || return 0
  printf 'digest %s\n' "$(ca_seal_digest "$2" <"$ca_keys/1.key")"
  [ -z "$ca_kem" ] || printf 'kem %s\n' "$(openssl base64 -A -in "$ca_kem")"
  cat "$ca_keys/sealed"
}

# ca_seal_take ID SALT KEM SEALED: opened again; what was changed on its way does not open.  KEM: what ML-KEM encapsulated, "" = it was not used.
ca_seal_take() {
  ca_seal_room "$1" || return 0
  if [ ! -s "$ca_keys/1.key" ]; then
    if ! ca_put "$4" >"$ca_keys/sealed" || ! ca_put "$3" >"$ca_keys/kem.b64"; then
      printf 'error disk-full cannot write %s\n' "$ca_keys"
      return
    fi
    ca_seal_do cms -decrypt -binary -inform PEM -in "$ca_keys/sealed" -inkey "$ca_keys/to.key" -recip "$ca_keys/to.crt" -out "$ca_keys/1.new" || return 0
    if [ -n "$3" ]; then
      mv -f "$ca_keys/1.new" "$ca_keys/inner.key" && ca_seal_do base64 -d -A -in "$ca_keys/kem.b64" -out "$ca_keys/kem.ct" &&
        ca_seal_do pkeyutl -decap -inkey "$ca_keys/kem.key" -in "$ca_keys/kem.ct" -secret "$ca_keys/raw.key" &&
        ca_seal_do base64 -A -in "$ca_keys/raw.key" -out "$ca_keys/pass.key" &&
        ca_seal_do enc -d -aes-256-ctr -pbkdf2 -iter 1 -md sha256 -pass "file:$ca_keys/pass.key" -in "$ca_keys/inner.key" -out "$ca_keys/1.new" || return 0
    fi
    ca_seal_whole || return 0
  fi
  printf 'digest %s\n' "$(ca_seal_digest "$2" <"$ca_keys/1.key")"
}

# ca_seal_whole: 1.new is 32 bytes in base64, and becomes 1.key; a full disk leaves less.
ca_seal_whole() {
  if [ "$(wc -c <"$ca_keys/1.new")" -eq 45 ] && mv -f "$ca_keys/1.new" "$ca_keys/1.key"; then return 0; fi
  printf 'error disk-full no whole key came of it in %s\n' "$ca_keys"
  return 1
}

# ca_seal_digest SALT: of the key on standard input, for those who compare.
ca_seal_digest() {
  { printf '%s' "$1" && tr -d ' \t\r\n'; } | ca_sha | { read -r ca_h _ && printf '%s' "$ca_h"; }
}

# ca_key_line NUMBER LEAD: the line of a file that holds that key behind LEAD.
ca_key_line() {
  ca_private "$ca_n" && printf '%s' "$2" && cat "$ca_state/keys/$ca_tid/$1.key"
}
