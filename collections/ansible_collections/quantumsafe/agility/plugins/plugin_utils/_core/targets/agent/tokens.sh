# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# tokens.sh: private keys that are made in a token (PKCS#11), through the provider of the host's own openssl.  The PIN is in a file of this
# host, which the URI names: no command line shows it, and it does not travel.

# ca_new_token_key ID NUMBER URI CONFIG OPTION...: as ca_new_key, in the token and under the label of URI.  Safe to repeat: a key that is
# there stays.  Nothing here takes a key out of a token again.
ca_new_token_key() {
  printf '\001K %s\n' "$2"
  ca_key=$ca_state/keys/$1/$2 ca_uri=$3 ca_config=$4
  shift 4
  if ! ca_token_ready; then
    printf 'error token %s\n' "$ca_said"
    return
  fi
  umask 077
  { mkdir -p "${ca_key%/*}" && chmod 700 "$ca_state" "$ca_state/keys" "${ca_key%/*}" && printf '%s' "$ca_config" >"$ca_key.cnf"; } 2>/dev/null || {
    printf 'error disk-full cannot write %s\n' "${ca_key%/*}"
    return
  }
  if ! ca_token_request; then
    # genpkey fails in any case, for it cannot write a key that it cannot see; whether the token has one now is what counts.
    ca_made=$(ca_bounded 60 openssl genpkey -propquery provider=pkcs11 "$@" -pkeyopt "pkcs11_uri:$(printf '%s' "$ca_uri" | sed 's/;type=private//')" -out /dev/null 2>&1 </dev/null)
    if ! ca_token_request; then
      printf 'error token the token makes no such key: %s\n' "$(ca_line "$(printf '%s\n%s' "$ca_made" "$ca_said" | grep -v -e rdrand -e :DSO_load: -e :dynamic_load: | sed -n '1p;$p')")"
      return
    fi
  fi
  printf 'like 600 root root\n'
  cat "$ca_key.csr"
}

# ca_token_ready: whether keys can be made there at all; why not is in ca_said.
ca_token_ready() {
  ca_pin=$(printf '%s' "$ca_uri" | sed -n 's/.*[?&]pin-source=file://p')
  if [ "$(id -u)" != 0 ]; then
    ca_said='making keys needs root; use become'
  elif ! ca_bounded 20 openssl list -providers 2>/dev/null | grep -q '^ *pkcs11$'; then
    ca_said="the openssl of this host has no provider pkcs11: activate it, behind the default one, in $(openssl version -d 2>/dev/null | sed 's/.*"\(.*\)"/\1/')/openssl.cnf"
  elif [ -n "$ca_pin" ] && [ ! -s "$ca_pin" ]; then
    ca_said="there is no PIN in $ca_pin"
  elif [ -n "$ca_pin" ] && case $(stat -L -c %a "$ca_pin") in *0) false ;; esac; then
    ca_said="everybody can read $ca_pin, which holds the PIN: chmod o= it first"
  else
    return 0
  fi
  return 1
}

# ca_token_request: the request for the key of that name; 1 when the token has none.
ca_token_request() {
  ca_said=$(ca_bounded 60 openssl req -new -key "$ca_uri" -config "$ca_key.cnf" -out "$ca_key.csr" 2>&1 </dev/null) && [ -s "$ca_key.csr" ]
}
