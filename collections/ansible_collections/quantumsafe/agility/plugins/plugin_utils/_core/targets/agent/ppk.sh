# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# ppk.sh: which post-quantum preshared keys charon has, by name, and which of them its connections ask for.

# ca_ppk_loaded: swanctl says of no secret what it is, only that charon took it; what no file holds any more charon lets go with the same call.
ca_ppk_loaded() {
  printf '\001K ppk\n'
  ca_bounded 20 swanctl --load-creds --noprompt 2>/dev/null </dev/null | sed -n "s/^loaded ppk secret '\(.*\)'\$/\1/p" | tr -d '\001'
  printf '\001M\n'
  ca_bounded 20 swanctl --list-conns --raw 2>/dev/null </dev/null | head -c "$ca_most" | tr -d '\001'
}
