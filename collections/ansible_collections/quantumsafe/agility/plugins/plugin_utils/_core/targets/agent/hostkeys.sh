# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# hostkeys.sh: keys of sshd are made here, like those of keys.sh, and wait in the same place.

# ca_new_host_key ID NUMBER OPTION...: a key by these options of ssh-keygen; only its public half is shown.  Safe to repeat: a key that is
# there stays.
ca_new_host_key() {
  printf '\001K %s\n' "$2"
  ca_key=$ca_state/keys/$1/$2
  shift 2
  if [ "$(id -u)" != 0 ]; then
    printf 'error no-privilege making keys needs root; use become\n'
    return
  fi
  umask 077
  { mkdir -p "${ca_key%/*}" && chmod 700 "$ca_state" "$ca_state/keys" "${ca_key%/*}" && rm -f "$ca_key.new" "$ca_key.new.pub"; } 2>/dev/null || {
    printf 'error disk-full cannot write %s\n' "${ca_key%/*}"
    return
  }
  if [ ! -s "$ca_key.key" ]; then
    if ! ca_said=$(ca_bounded 60 ssh-keygen -q -N '' -C '' "$@" -f "$ca_key.new" 2>&1 </dev/null) ||
      ! mv -f "$ca_key.new.pub" "$ca_key.key.pub" || ! mv -f "$ca_key.new" "$ca_key.key"; then
      rm -f "$ca_key.new" "$ca_key.new.pub"
      printf 'error ssh-keygen ssh-keygen says: %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
      return
    fi
  fi
  cat "$ca_key.key.pub"
}
