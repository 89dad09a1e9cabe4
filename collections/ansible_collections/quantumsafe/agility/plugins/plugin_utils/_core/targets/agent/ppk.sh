# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# ppk.sh: which post-quantum preshared keys charon or pluto has, by name, and which of them its connections ask for.

# ca_ppk_loaded: swanctl says of no secret what it is, only that charon took it; what no file holds any more charon lets go with the same call.
ca_ppk_loaded() {
  printf '\001K ppk\n'
  ca_bounded 20 swanctl --load-creds --noprompt 2>/dev/null </dev/null | sed -n "s/^loaded ppk secret '\(.*\)'\$/\1/p" | tr -d '\001'
  printf '\001M\n'
  ca_bounded 20 swanctl --list-conns --raw 2>/dev/null </dev/null | head -c "$ca_most" | tr -d '\001'
}

# ca_pluto_kept MAIN COMMENT: where libreswan's secrets stand, and for which ids its PPKs are: no more than that of any file.  COMMENT: what
# stands above one of ours, before the id that it takes the place of.
ca_pluto_kept() {
  printf '\001K pluto\n'
  ca_secrets_of "$1" "$2" 0
}

# ca_secrets_of FILE COMMENT DEPTH: of it, then of what it includes.
ca_secrets_of() {
  [ -f "$1" ] && [ "$3" -le 10 ] || return 0
  printf 'F %s %s %s %s\n' "$(sha256sum <"$1" | cut -d ' ' -f 1)" "$(stat -c '%a %U' "$1")" "$(awk 'END { print NR }' "$1")" "$1"
  ca_ppks "$1" "$2"
  ca_includes=$(awk -v folder="${1%/*}/" '/^include[ \t]/ { print (substr($2, 1, 1) == "/" ? "" : folder) $2 }' "$1")
  [ -z "$ca_includes" ] || printf '%s\n' "$ca_includes" | sed 's/^/I /'
  set -- "$2" "$3" # the shell expands what they find before the next of them is read
  # shellcheck disable=SC2086 # patterns
  for ca_secret in $ca_includes; do ca_secrets_of "$ca_secret" "$1" $(($2 + 1)); done
}

# ca_ppks FILE COMMENT: a record begins at the margin and goes on in lines that do not; "IDS : PPKS "ID" SECRET" is one of a PPK.
ca_ppks() {
  awk -v made="$2" '
    function told() {
      if (text != "" && match(text, /:[ \t]/)) {
        rest = substr(text, RSTART + 1)
        if (match(rest, /^[ \t]+[Pp][Pp][Kk][Ss][ \t]+["\047][^"\047]*["\047]/)) {
          id = substr(rest, 1, RLENGTH - 1)
          sub(/^[ \t]+[Pp][Pp][Kk][Ss][ \t]+./, "", id)
          if (id !~ /^[A-Za-z0-9][A-Za-z0-9._@-]*$/) id = "?"
          print "S", first, last - first + 1, id
        }
      }
      text = ""
    }
    index($0, made) == 1 {
      told()
      old = substr($0, length(made) + 1)
      if (old ~ /^[A-Za-z0-9._@-]*$/) print "M", NR, old
      next
    }
    /^#/ || /^[ \t\r]*$/ { next }
    /^[ \t]/ { text = text " " $0; last = NR; next }
    { told(); text = $0; first = last = NR }
    END { told() }
  ' "$1"
}

# ca_pluto_loaded: pluto reads its secrets anew, and says which files it took, and which lines of them it did not; nothing else of what it says.
ca_pluto_loaded() {
  printf '\001K pluto\n'
  ca_bounded 20 ipsec rereadsecrets 2>&1 </dev/null | tr -d '\001' |
    sed -n -e 's/^loading secrets from "\(.*\)"$/L \1/p' -e 's/^[A-Z: ]*"\([^"]*\)" line \([0-9]*\): .*/W \2 \1/p'
}
