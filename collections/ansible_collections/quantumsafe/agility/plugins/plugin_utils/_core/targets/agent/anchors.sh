# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# anchors.sh: whom this host trusts, as its own openssl sees its own store.

# ca_untaken FOLDER...: files there that the store does not hold: somebody placed them, or took them away from it, and did not make it anew.
ca_untaken() {
  for ca_v; do
    for ca_f in "$ca_v"/*.crt "$ca_v"/*/*.crt; do
      [ -f "$ca_f" ] || continue
      case $(ca_bounded 20 openssl verify -no_check_time -partial_chain "$ca_f" 2>/dev/null) in
        *": OK") ;;
        *) printf '\001Y %s\n' "$(ca_line "$ca_f")" ;;
      esac
    done
  done
}

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
