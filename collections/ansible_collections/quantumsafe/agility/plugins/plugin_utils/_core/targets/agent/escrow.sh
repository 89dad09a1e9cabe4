# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# escrow.sh: a new private key as its recipient alone can read it, made here, so that nothing else of it leaves this host.

# ca_escrow ID NUMBER CERTIFICATE KEM: key NUMBER of ID for the holder of both private keys: first as CMS AuthEnvelopedData (RFC 5083, AES-256-GCM,
# ECDH; to CERTIFICATE), that once more with AES-256 under a secret that ML-KEM carries to KEM.  Who breaks one of the two has nothing.
# No secret is on a command line; the secret is a passphrase for openssl enc, in base64, for it may hold a line break.
ca_escrow() {
  printf '\001Q %s\n' "$2"
  ca_key=$ca_state/keys/$1/$2.key ca_out=$ca_state/keys/$1/$2.escrow
  [ -s "$ca_key" ] || return 0 # why not was said
  if ca_said=$(umask 077 && ca_escrow_seal "$3" "$4" 2>&1 </dev/null); then
    printf 'kem %s\nsealed %s\n' "$(openssl base64 -A -in "$ca_out.kem")" "$(openssl base64 -A -in "$ca_out.sealed")"
  else
    printf 'error %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
  fi
  for ca_f in "$ca_out.secret" "$ca_out.pass"; do
    if command -v shred >/dev/null 2>&1; then shred -u "$ca_f" 2>/dev/null; fi
  done
  rm -f "$ca_out".*
}

ca_escrow_seal() {
  ca_put "$1" >"$ca_out.crt" && ca_put "$2" >"$ca_out.pub" &&
    ca_bounded 20 openssl cms -encrypt -binary -aes-256-gcm -outform DER -in "$ca_key" -out "$ca_out.cms" -recip "$ca_out.crt" -keyopt ecdh_kdf_md:sha384 -aes256-wrap &&
    ca_bounded 20 openssl pkeyutl -encap -pubin -inkey "$ca_out.pub" -out "$ca_out.kem" -secret "$ca_out.secret" &&
    openssl base64 -A -in "$ca_out.secret" -out "$ca_out.pass" && [ -s "$ca_out.pass" ] &&
    ca_bounded 20 openssl enc -aes-256-ctr -pbkdf2 -md sha256 -pass "file:$ca_out.pass" -in "$ca_out.cms" -out "$ca_out.sealed" && [ -s "$ca_out.sealed" ]
}
