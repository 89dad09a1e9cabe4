# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# many.sh: one process for all files of a change, instead of one for each.

# ca_tell COMMAND FILE...: the line that the words of COMMAND say of each, in ca_told: the file, and its line below it.  When they fail for all
# together each is asked alone; 1 when one of them says nothing.
ca_tell() {
  ca_how=$1 ca_told=$ca_nl ca_rc=0
  shift
  # shellcheck disable=SC2086 # words of ours
  if ca_text=$($ca_how "$@" 2>/dev/null) && ca_pair "$@"; then return 0; fi
  ca_told=$ca_nl
  for ca_f; do
    # shellcheck disable=SC2086
    ca_v=$($ca_how "$ca_f" 2>/dev/null) || ca_rc=1
    ca_told=$ca_told$ca_f$ca_nl$ca_v$ca_nl
  done
  return "$ca_rc"
}

# ca_pair FILE...: with the lines of ca_text, one each.
ca_pair() {
  ca_ifs=$IFS
  IFS=$ca_nl
  set -f
  for ca_v in $ca_text; do
    [ $# -gt 0 ] || break
    ca_told=$ca_told$1$ca_nl$ca_v$ca_nl
    shift
  done
  set +f
  IFS=$ca_ifs
  [ $# -eq 0 ]
}

# ca_told_of TOLD FILE: its line, in ca_v.
ca_told_of() {
  ca_v=${1#*"$ca_nl$2$ca_nl"}
  if [ "$ca_v" = "$1" ]; then ca_v=''; else ca_v=${ca_v%%"$ca_nl"*}; fi
}

# ca_digests FILE...: in ca_sums; ca_digest_of FILE, in ca_v, "" when it has none.
ca_digests() {
  ca_summer && ca_tell "$ca_sum" "$@"
  ca_rc=$? ca_sums=$ca_told
  return "$ca_rc"
}

ca_digest_of() {
  ca_told_of "$ca_sums" "$1"
  ca_v=${ca_v#\\}
  ca_v=${ca_v%% *}
}

# ca_digest_targets: of all files of the change that are there now.
ca_digest_targets() {
  ca_list='' ca_sums=$ca_nl
  ca_each ca_list_target "$ca_changes"
  ca_lines ca_digests "$ca_list"
}

ca_list_target() {
  ca_change_of "$1"
  [ ! -f "$ca_file" ] || ca_list=$ca_list$ca_file$ca_nl
}
