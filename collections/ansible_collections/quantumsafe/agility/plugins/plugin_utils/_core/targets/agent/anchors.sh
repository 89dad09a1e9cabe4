# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# anchors.sh: whom this host trusts, as its own openssl sees its own store.

# ca_trusts ANCHOR: whether the store holds this certificate (PEM); else what openssl says.  Its exit code is 0 for a stranger in old ones.
ca_trusts() {
  if ! command -v openssl >/dev/null 2>&1; then
    printf '\001V no openssl is not there\n'
    return
  fi
  ca_said=$(ca_put "$1" | ca_bounded 20 openssl verify 2>&1)
  case $ca_nl$ca_said in
    *"$ca_nl"*": OK"*) printf '\001V yes\n' ;;
    *) printf '\001V no %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")" ;;
  esac
}
