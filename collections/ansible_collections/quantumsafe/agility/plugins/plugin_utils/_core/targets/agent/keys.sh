# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# keys.sh: private keys are made here and never leave.  They wait in keys/ID/N.key until transaction ID has put them in their places.

# ca_new_key ID NUMBER LIKE CONFIG OPTION...: a key of these options of genpkey, and the request for its certificate after CONFIG.  LIKE is
# the key whose place it will take.  Safe to repeat: a key that is there stays.
ca_new_key() {
  printf '\001K %s\n' "$2"
  ca_key=$ca_state/keys/$1/$2 ca_like=$3 ca_config=$4
  shift 4
  if [ "$(id -u)" != 0 ]; then
    printf 'error no-privilege making keys needs root; use become\n'
    return
  fi
  umask 077
  { mkdir -p "${ca_key%/*}" && chmod 700 "$ca_state" "$ca_state/keys" "${ca_key%/*}" && printf '%s' "$ca_config" >"$ca_key.cnf"; } 2>/dev/null || {
    printf 'error disk-full cannot write %s\n' "${ca_key%/*}"
    return
  }
  if [ ! -s "$ca_key.key" ]; then
    # On a disk that is full in the middle genpkey says nothing of the half that it wrote, so what it wrote is read again.
    if ! ca_said=$(ca_bounded 60 openssl genpkey "$@" -out "$ca_key.new" 2>&1 </dev/null && ca_bounded 60 openssl pkey -in "$ca_key.new" -noout 2>&1 </dev/null) || ! mv -f "$ca_key.new" "$ca_key.key"; then
      rm -f "$ca_key.new"
      printf 'error genpkey openssl genpkey says: %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
      return
    fi
  fi
  if ! ca_said=$(ca_bounded 60 openssl req -new -key "$ca_key.key" -config "$ca_key.cnf" -out "$ca_key.csr" 2>&1 </dev/null); then
    printf 'error req openssl req says: %s\n' "$(ca_line "$(printf '%s' "$ca_said" | tail -n 2)")"
    return
  fi
  printf 'like %s\n' "$(stat -L -c '%a %U %G' "$ca_like" 2>/dev/null)"
  cat "$ca_key.csr"
}

# ca_hold_keys ID DAYS: their certificates come later; recover lets them wait that long.
ca_hold_keys() {
  printf '\001H\n'
  if [ -d "$ca_state/keys/$1" ]; then printf '%s\n' "$2" >"$ca_state/keys/$1/days"; fi
}

# ca_drop_keys ID: nobody needs them here any more.
ca_drop_keys() {
  [ -d "$ca_state/keys/$1" ] || return 0
  if [ -f "$ca_state/keys/$1/tokens" ]; then ca_drop_tokens "$1" >/dev/null; fi
  for ca_f in "$ca_state/keys/$1"/*.key "$ca_state/keys/$1"/*.new; do
    if [ -f "$ca_f" ] && command -v shred >/dev/null 2>&1; then shred -u "$ca_f" 2>/dev/null; fi
  done
  rm -rf "$ca_state/keys/$1"
}

# ca_private FILE: nobody else can read it; a key is written to nothing else.
ca_private() {
  case $(stat -c %a "$1") in
    *0) ;;
    *)
      ca_error refused-target "everybody can read $ca_file, which would hold the new key: chmod o= it first"
      return 1
      ;;
  esac
}
