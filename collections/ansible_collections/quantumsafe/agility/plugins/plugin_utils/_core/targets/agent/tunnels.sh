# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# tunnels.sh: one tunnel of strongSwan or libreswan, while both of its ends are moved.  What came of a verb is read from the list behind it, so each may be
# repeated; its answer says only why there may be nothing to see.

# ca_tunnel_start CONNECTION CHILD: as the configuration of now says; an IKE SA that was made by an older one stays beside it.
ca_tunnel_start() { ca_swanctl --initiate --ike "$1" --child "$2" --timeout 20; }

# ca_tunnel_rekey ike|child NUMBER: of one SA, by the number that this host gave it.
ca_tunnel_rekey() { ca_swanctl --rekey "--$1-id" "$2"; }

# ca_tunnel_renew NUMBER: one IKE SA made anew with its children, with what it was made of; charon ends the old one behind it.
ca_tunnel_renew() { ca_swanctl --rekey --ike-id "$1" --reauth; }

# ca_tunnel_end NUMBER: one IKE SA with its children, and no other.
ca_tunnel_end() { ca_swanctl --terminate --ike-id "$1" --timeout 10; }

# ca_pluto_up NAME: a connection of libreswan established anew, as pluto has it; what it had ends before.
ca_pluto_up() {
  ca_bounded 10 ipsec down "$1" </dev/null >/dev/null 2>&1
  ca_verb ipsec up "$1"
}

# ca_pluto_rekey ike|child NAME: the newest SA of that connection.
ca_pluto_rekey() { ca_verb ipsec whack "--rekey-$1" --name "$2"; }

# ca_pluto_end NUMBER: one IKE SA with what hangs on it, and no other; its peer is told.
ca_pluto_end() { ca_verb ipsec whack --deletestate "$1"; }

ca_swanctl() { ca_verb swanctl "$@"; }

# ca_verb COMMAND...: its exit code, and the last that it said.
ca_verb() {
  if ca_said=$(ca_bounded 30 "$@" 2>&1 </dev/null); then ca_rc=0; else ca_rc=$?; fi
  printf '\001J %s %s\n' "$ca_rc" "$(ca_line "$(printf '%s' "$ca_said" | tail -n 1)")"
}

# ca_tunnels: the SAs of now.
ca_tunnels() { ca_list swanctl --list-sas --raw; }

ca_plutos() { ca_list ipsec status; }

ca_list() {
  printf '\001M\n'
  ca_bounded 20 "$@" 2>/dev/null </dev/null | head -c "$ca_most" | tr -d '\001'
}
