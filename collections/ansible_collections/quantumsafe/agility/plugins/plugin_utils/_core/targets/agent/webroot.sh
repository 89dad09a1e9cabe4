# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# webroot.sh: answers to the challenges of an authority (http-01) lie in a webroot while it looks at them; then nothing of them is left.
# What was put where is written down first (keys/ID/tokens), so that whoever comes later can take it away, too.

# ca_stand ROOT [NOTE]: go to ROOT/.well-known/acme-challenge; with NOTE folders that lack are made, and written down there.  Whoever owns the
# webroot cannot lead us elsewhere: no link is followed, and where we stand is looked at once we are there.
ca_stand() {
  cd -P "$1" 2>/dev/null || {
    printf 'error %s is no folder that can be entered\n' "$(ca_line "$1")"
    return 1
  }
  for ca_f in .well-known acme-challenge; do
    ca_v=$(pwd -P)
    if [ "${2-}" ] && [ ! -e "$ca_f" ] && [ ! -h "$ca_f" ]; then
      printf 'made %s\n' "$ca_f" >>"$2"
      mkdir -m 755 "$ca_f" 2>/dev/null
    fi
    if [ -h "$ca_f" ] || ! cd -P "./$ca_f" 2>/dev/null || [ "$(pwd -P)" != "$ca_v/$ca_f" ]; then
      printf 'error %s/%s is a link, or no folder that can be entered\n' "$(ca_line "$ca_v")" "$ca_f"
      return 1
    fi
  done
}

# ca_put_tokens ID ROOT TOKEN CONTENT...: pairs.  Safe to repeat.
ca_put_tokens() {
  printf '\001W\n'
  if [ "$(id -u)" != 0 ]; then
    printf 'error writing to a webroot needs root; use become\n'
    return
  fi
  ca_note=$ca_state/keys/$1/tokens
  umask 077
  { mkdir -p "${ca_note%/*}" && chmod 700 "$ca_state" "$ca_state/keys" "${ca_note%/*}" && printf 'root %s\n' "$2" >>"$ca_note"; } 2>/dev/null || {
    printf 'error cannot write %s\n' "$ca_note"
    return
  }
  shift
  (ca_place_tokens "$@")
}

# ca_place_tokens ROOT TOKEN CONTENT...: in a shell of its own, for it goes elsewhere.  What is there already, and is not ours, stays.
ca_place_tokens() {
  ca_stand "$1" "$ca_note" || return
  shift
  umask 022
  set -C
  while [ $# -ge 2 ]; do
    if [ -e "./$1" ] || [ -h "./$1" ]; then
      if [ -h "./$1" ] || [ "$(cat "./$1")" != "$2" ]; then
        printf 'error %s is there already\n' "$(ca_line "$(pwd -P)")/$1"
        return 1
      fi
    else
      printf 'token %s\n' "$1" >>"$ca_note"
      printf '%s' "$2" 2>/dev/null >"./$1" || {
        printf 'error cannot write %s\n' "$(ca_line "$(pwd -P)")/$1"
        return 1
      }
    fi
    shift 2
  done
}

# ca_drop_tokens ID: they are not needed any more, nor the folders that were made for them.
ca_drop_tokens() {
  printf '\001W\n'
  ca_note=$ca_state/keys/$1/tokens
  [ -f "$ca_note" ] || return 0
  if (ca_unplace_tokens "$(sed -n 's/^root //p' "$ca_note" | head -n 1)"); then rm -rf "${ca_note%/*}"; fi
}

ca_unplace_tokens() {
  grep -q -e '^token ' -e '^made ' "$ca_note" || return 0
  ca_stand "$1" || return
  # shellcheck disable=SC2013 # a token has no blanks
  for ca_f in $(sed -n 's/^token //p' "$ca_note"); do
    rm -f "./$ca_f" 2>/dev/null || {
      printf 'error cannot remove %s\n' "$(ca_line "$(pwd -P)")/$ca_f"
      return 1
    }
  done
  for ca_f in acme-challenge .well-known; do
    cd -P .. && if grep -qx "made $ca_f" "$ca_note"; then rmdir "./$ca_f" 2>/dev/null; fi
  done
  return 0
}
