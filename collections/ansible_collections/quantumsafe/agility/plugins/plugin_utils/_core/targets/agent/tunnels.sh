# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# tunnels.sh: one tunnel of strongSwan, libreswan or OpenVPN, while both of its ends are moved.  What came of a verb is read from the list behind it, so each may be
# repeated; its answer says only why there may be nothing to see.

# ca_tunnel_start CONNECTION CHILD: as the configuration of now says; an IKE SA that was made by an older one stays beside it.
ca_tunnel_start() { ca_swanctl --initiate --ike "$1" --child "$2" --timeout 20; }

# ca_tunnel_rekey ike|child NUMBER: of one SA, by the number that this host gave it.
ca_tunnel_rekey() { ca_swanctl --rekey "--$1-id" "$2"; }

# ca_tunnel_renew NUMBER: one IKE SA made anew with its children, with what it was made of; charon ends the old one behind it.
ca_tunnel_renew() { ca_swanctl --rekey --ike-id "$1" --reauth; }

# ca_tunnel_end ike|child NUMBER: one IKE SA with its children, or one child, and no other.
ca_tunnel_end() { ca_swanctl --terminate "--$1-id" "$2" --timeout 10; }

# ca_pluto_up NAME: a connection of libreswan established anew, as pluto has it; what it had ends before.
ca_pluto_up() {
  ca_bounded 10 ipsec down "$1" </dev/null >/dev/null 2>&1
  ca_verb ipsec up "$1"
}

# ca_pluto_rekey ike|child NAME: the newest SA of that connection.
ca_pluto_rekey() { ca_verb ipsec whack "--rekey-$1" --name "$2"; }

# ca_pluto_end NUMBER: one IKE SA with what hangs on it, and no other; its peer is told.
ca_pluto_end() { ca_verb ipsec whack --deletestate "$1"; }

# ca_stroke_up NAME: as ipsec.conf says now; an IKE SA that was made by an older one stays beside it.  stroke always ends with 0, and its last line
# says whether, the one before it why not.
ca_stroke_up() {
  ca_said=$(ca_bounded 30 ipsec up "$1" 2>&1 </dev/null) ca_rc=1
  case $ca_said in *' established successfully') ca_rc=0 ;; esac
  ca_told "$(printf '%s' "$ca_said" | grep -v '^establishing connection ')"
}

# ca_stroke_rekey ike|child NAME NUMBER: of one SA, by the number that this host gave it.
ca_stroke_rekey() { ca_stroke_one "$@" ipsec stroke rekey; }

# ca_stroke_renew NAME NUMBER: one IKE SA ended, and made anew; stroke knows no re-authentication.
ca_stroke_renew() {
  ca_bounded 10 ipsec down "$1[$2]" </dev/null >/dev/null 2>&1
  ca_stroke_up "$1"
}

# ca_stroke_end ike|child NAME NUMBER: one IKE SA with its children, or one child, and no other.
ca_stroke_end() { ca_stroke_one "$@" ipsec down; }

ca_stroke_one() {
  ca_one="$2{$3}"
  [ "$1" = child ] || ca_one="$2[$3]"
  shift 3
  ca_verb "$@" "$ca_one"
}

ca_swanctl() { ca_verb swanctl "$@"; }

# ca_verb COMMAND...: its exit code, and the last that it said.
ca_verb() {
  if ca_said=$(ca_bounded 30 "$@" 2>&1 </dev/null); then ca_rc=0; else ca_rc=$?; fi
  ca_told "$ca_said"
}

# ca_told TEXT: the last line of it, behind ca_rc.
ca_told() { printf '\001J %s %s\n' "$ca_rc" "$(ca_line "$(printf '%s' "$1" | tail -n 1)")"; }

# ca_tunnels: the SAs of now.
ca_tunnels() { ca_list swanctl --list-sas --raw; }

ca_plutos() { ca_list ipsec status; }

ca_strokes() { ca_list ipsec statusall; }

ca_list() {
  printf '\001M\n'
  ca_bounded 20 "$@" 2>/dev/null </dev/null | head -c "$ca_most" | tr -d '\001'
}

# ca_vpn_now: where the journal ends now.
ca_vpn_now() {
  printf '\001M\n'
  ca_bounded 10 journalctl -q -n 0 --show-cursor 2>/dev/null </dev/null | sed -n 's/^-- cursor: //p' | tail -n 1
}

# ca_vpn_session UNIT CURSOR NAME: the newest session that the process of now tells of since that cursor ("" = the last that is known): whether it is
# up, version, exchange, cipher of its data, with tabs.  At a server (NAME) that of the client of this name.
ca_vpn_session() {
  printf '\001M\n'
  ca_pid=$(ca_bounded 10 systemctl show -p MainPID --value "$1" 2>/dev/null </dev/null)
  case $ca_pid in '' | 0) return ;; esac
  if [ -n "$2" ]; then set -- "$3" "--after-cursor=$2"; else set -- "$3" --lines=20000; fi
  ca_bounded 10 journalctl -q -b -o cat "$2" "_PID=$ca_pid" 2>/dev/null </dev/null | ca_vpn_name=$1 awk '
function at(word) {
  if (!(i = index($0, word))) return 0
  return from(substr($0, 1, i - 1))
}
function from(w) {
  if (w != "" && (w ~ /: / || w !~ /:[0-9]+ $/)) return 0
  k = w; sub(/ $/, "", k)
  if (match(k, /.*\//)) { name[substr(k, RLENGTH + 1)] = substr(k, 1, RLENGTH - 1); k = substr(k, RLENGTH + 1) }
  return 1
}
{ sub(/^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9:]+ (us=[0-9]+ )?/, "") }
at("Control Channel: TLS") {
  r = substr($0, i + 17); order[k] = NR; v[k] = r; sub(/,.*/, "", v[k]); e[k] = ""
  if (match(r, /key agreement: [^,]+/) || match(r, /peer temporary key: [0-9]+ bits [^,]+/)) e[k] = substr(r, RSTART, RLENGTH)
  next
}
(j = index($0, "] Peer Connection Initiated with [")) && (i = index($0, "[")) && i < j && from(substr($0, 1, i - 1)) {
  name[k] = substr($0, i + 1, j - i - 1); next
}
at("Data Channel: cipher \047") || at("Outgoing Data Channel: Cipher \047") {
  c[k] = substr($0, i); sub(/^[^\047]*\047/, "", c[k]); sub(/\047.*/, "", c[k]); next
}
$0 == "Initialization Sequence Completed" || $0 == "Initialization Sequence Completed With Errors" { done = 1; next }
at("SIG") && / received, / { c[k] = ""; if (k == "") done = 0 }
END {
  want = ENVIRON["ca_vpn_name"]; best = ""; found = 0
  for (k in order) if ((want == "" || name[k] == want) && (!found || order[k] > order[best])) { best = k; found = 1 }
  if (found) printf "%s\t%s\t%s\t%s\n", (c[best] != "" && (want != "" || done)) ? "up" : "down", v[best], e[best], c[best]
}' | tr -d '\001'
}
