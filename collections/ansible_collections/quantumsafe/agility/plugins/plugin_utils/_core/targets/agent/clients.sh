# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# clients.sh: client certificates, as this host's own openssl sees them: whom a server here lets in, and who lets this host in.

# ca_admits DEPTH CHAIN FILE...: whether a server that trusts these files lets in a client with this chain (PEM, the leaf first).
ca_admits() {
  ca_depth=$1 ca_f=$ca_state/chain.$$
  if ! { mkdir -p "$ca_state" && ca_put "$2" >"$ca_f"; } 2>/dev/null; then
    printf '\001A no cannot write %s\n' "$ca_f"
    return
  fi
  shift 2
  ca_n=$#
  while [ "$ca_n" -gt 0 ]; do
    set -- "$@" -trusted "$1"
    shift
    ca_n=$((ca_n - 1))
  done
  ca_said=$(ca_bounded 20 openssl verify -purpose sslclient -verify_depth "$ca_depth" -untrusted "$ca_f" "$@" "$ca_f" 2>&1)
  rm -f "$ca_f"
  case $ca_nl$ca_said in
    *"$ca_nl"*": OK"*) printf '\001A yes\n' ;;
    *) printf '\001A no %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")" ;;
  esac
}

# ca_greets HOST PORT NAME CERTIFICATE KEY: what a server that speaks HTTP says to a client with these files; without any where they are empty.
# The verdict comes behind the handshake (TLS 1.3), so it is asked for a page; of all that is said only these lines are told.
ca_greets() {
  printf '\001G\n'
  ca_name=$3 ca_cert=$4 ca_private_key=$5
  case $1 in *:*) ca_v=[$1]:$2 ;; *) ca_v=$1:$2 ;; esac
  set -- -brief -ign_eof -connect "$ca_v"
  if [ -n "$ca_name" ]; then set -- "$@" -servername "$ca_name"; else set -- "$@" -noservername; fi
  if [ -n "$ca_cert" ]; then set -- "$@" -cert "$ca_cert" -cert_chain "$ca_cert" -key "$ca_private_key" -pass pass:; fi
  printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' "${ca_name:-$ca_v}" |
    ca_bounded 20 openssl s_client "$@" 2>&1 | head -c 65536 | tr -d '\001\r' |
    sed -n -e '/^CONNECTION ESTABLISHED/p' -e '/^Protocol version/p' -e '/^Requested Signature Algorithms/p' -e '/^HTTP\/[0-9.]* [0-9]/p' \
      -e '/<title>[0-9][0-9]* /p' -e '/alert/p' -e '/[:=]errno=/p' -e '/getaddrinfo/p' -e '/nable to load/p' -e '/ould not \(read\|open\|find\)/p'
}
