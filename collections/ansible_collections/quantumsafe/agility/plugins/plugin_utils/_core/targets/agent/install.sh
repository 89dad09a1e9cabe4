# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# install.sh: puts the agent for an account of least privilege in its place, with its line for sudo, or takes both away.  Safe to repeat.

# ca_is_there FILE...: digest, mode and owner of each, "-" where there is none.
ca_is_there() {
  ca_as_root || return 0
  for ca_f; do
    if [ -f "$ca_f" ] && [ ! -h "$ca_f" ]; then
      printf '\001Q %s %s %s\n' "$ca_f" "$(ca_digest "$ca_f")" "$(stat -c '%a %U:%G' "$ca_f")"
    else
      printf '\001Q %s - - -\n' "$ca_f"
    fi
  done
}

# ca_install FILE TEXT RULE LINE USER: the agent first: until its rule follows, sudo lets nobody run it.
ca_install() {
  ca_as_root || return 0
  id -u "$5" >/dev/null 2>&1 || ca_cannot "there is no account $5 here" || return 0
  command -v visudo >/dev/null 2>&1 || ca_cannot "there is no visudo here: install sudo" || return 0
  [ -d "${3%/*}" ] || ca_cannot "there is no folder ${3%/*} here" || return 0
  { (umask 022 && mkdir -p "${1%/*}") && chown root:root "${1%/*}" && chmod 755 "${1%/*}"; } 2>/dev/null || ca_cannot "cannot make ${1%/*}" || return 0
  ca_beside_it "$1" 755 "$2" && mv -f "$ca_n" "$1" && ca_sync "${1%/*}" || ca_cannot "cannot write $1" || return 0
  ca_beside_it "$3" 440 "$4" || ca_cannot "cannot write $3" || return 0
  # A name with a dot is none that sudo reads.
  if ! ca_said=$(visudo -cqf "$ca_n" 2>&1); then
    rm -f "$ca_n"
    ca_cannot "visudo says: $(ca_line "$ca_said")" || return 0
  fi
  mv -f "$ca_n" "$3" && ca_sync "${3%/*}" || ca_cannot "cannot write $3" || return 0
  sudo -l -U "$5" "$1" >/dev/null 2>&1 || ca_cannot "sudo does not let $5 run $1: does /etc/sudoers include ${3%/*}?" || return 0
}

# ca_beside_it FILE MODE TEXT: the whole file under a dot-name beside it, in ca_n.
ca_beside_it() {
  ca_n=${1%/*}/.${1##*/}.new
  rm -f "$ca_n" && (umask 077 && ca_put "$3" >"$ca_n") 2>/dev/null && chown root:root "$ca_n" && chmod "$2" "$ca_n" && ca_sync "$ca_n"
}

ca_uninstall() {
  ca_as_root || return 0
  rm -f "$2" && rm -f "$1" || ca_cannot "cannot remove $2 and $1" || return 0
  rmdir "${1%/*}" 2>/dev/null
  for ca_f; do [ ! -d "${ca_f%/*}" ] || ca_sync "${ca_f%/*}"; done
}

ca_cannot() {
  printf '\001P install %s\n' "$*"
  return 1
}
