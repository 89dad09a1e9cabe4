# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# retired.sh: keys that a change took out of use.  They stay where they are for the way back, and are shredded when that has ended: if they are
# the same still, the controller sees nothing that names them, and nothing here does.
ca_named_in='/etc /usr/local/etc'

# ca_retire ID PATH...: once ID is confirmed nothing names these any more.  What is a link, or has another name, is somebody else's, too.
ca_retire() {
  ca_enter "$1"
  shift
  [ -d "$ca_tx" ] || return 0
  umask 077
  for ca_f; do
    if [ ! -f "$ca_f" ] || [ -h "$ca_f" ] || [ "$(stat -c %h "$ca_f")" != 1 ]; then continue; fi
    ca_h=$(ca_public_digest "$ca_f")
    printf '%s %s %s\n' "$(ca_digest "$ca_f")" "${ca_h:--}" "$ca_f"
  done >"$ca_tx/retired" && ca_sync "$ca_tx/retired" "$ca_tx" && ca_show_retired "$ca_tx/retired"
}

# ca_public_digest FILE: SHA-256 of the public half (SubjectPublicKeyInfo); nothing where it cannot be read, e.g. without a password.
ca_public_digest() {
  ca_pub=$(ca_bounded 10 openssl pkey -passin pass: -pubout 2>/dev/null <"$1") && [ -n "$ca_pub" ] || return 0
  printf '%s\n' "$ca_pub" | openssl pkey -pubin -outform DER 2>/dev/null | ca_sha | { read -r ca_h _ && printf '%s' "$ca_h"; }
}

# ca_show_retired FILE: whose they are, then "DIGEST PUBLIC NAME" a line.
ca_show_retired() {
  printf '\001W %s\n' "$ca_tid"
  while read -r ca_d ca_h ca_f; do printf '%s %s %s\n' "$ca_d" "$ca_h" "$(ca_name "$ca_f")"; done <"$1"
}

# ca_put_retired: this transaction is about to be forgotten; what it retired is not, until it is shredded.
ca_put_retired() {
  ca_last
  [ "$ca_st" = CLEANED ] && [ -s "$ca_tx/retired" ] || return 0
  mkdir -p "$ca_state/retired" && mv -f "$ca_tx/retired" "$ca_state/retired/$ca_tid" && ca_sync "$ca_state/retired"
}

# ca_due_retired: all whose transaction is forgotten.
ca_due_retired() {
  for ca_r in "$ca_state"/retired/*; do
    [ -f "$ca_r" ] || continue
    ca_enter "${ca_r##*/}"
    ca_show_retired "$ca_r"
  done
}

# ca_end_retired ID PATH...: these of what ID retired are named by nothing that the controller reads.  "X ID shredded|removed PUBLIC NAME" of
# each that is gone now, "N WORDS" of each that stays; one that others may still need is looked at again the next time.
ca_end_retired() {
  ca_code='' ca_message=''
  ca_enter "$1"
  shift
  ca_lock || { printf '\001P %s %s\n' "$ca_code" "$ca_message" && return; }
  ca_r=$ca_state/retired/$ca_tid
  ca_stays=''
  while read -r ca_d ca_h ca_f; do
    ca_asked=''
    for ca_v; do [ "$ca_v" != "$ca_f" ] || ca_asked=yes; done
    if [ -z "$ca_asked" ] || ! ca_end_key; then ca_stays="$ca_stays$ca_d $ca_h $ca_f$ca_nl"; fi
  done <"$ca_r"
  if [ -z "$ca_stays" ]; then rm -f "$ca_r"; else printf '%s' "$ca_stays" >"$ca_r.new" && mv -f "$ca_r.new" "$ca_r"; fi
  rm -f "$ca_state/retired/.name"
  ca_unlock
}

# ca_end_key: 1 when it must stay for now.
ca_end_key() {
  if [ ! -e "$ca_f" ]; then
    case $ca_nl${ca_ended-} in *"$ca_nl$ca_f$ca_nl"*) return 0 ;; esac # two changes retired it, and a way back lay between
    printf '\001N %s, which %s retired, is gone: somebody else removed it\n' "$ca_f" "$ca_tid"
    return 0
  fi
  if [ -h "$ca_f" ] || [ "$(stat -c %h "$ca_f")" != 1 ] || [ "$(ca_digest "$ca_f")" != "$ca_d" ]; then
    printf '\001N %s stays: it is not the file any more that %s retired\n' "$ca_f" "$ca_tid"
    return 0
  fi
  if ! ca_who=$(ca_names "$ca_f") || [ -n "$ca_who" ]; then
    case $ca_who in
      "$ca_state"/*) ;; # a way back is no news
      '') printf '\001N %s stays, though %s retired it: what names it could not be looked for\n' "$ca_f" "$ca_tid" ;;
      *) printf '\001N %s stays, though %s retired it: %s names it\n' "$ca_f" "$ca_tid" "$ca_who" ;;
    esac
    return 1
  fi
  ca_v=shredded
  shred -u "$ca_f" 2>/dev/null || { ca_v=removed && rm -f "$ca_f"; } || return 1
  ca_ended=${ca_ended-}$ca_f$ca_nl
  printf '\001X %s %s %s %s\n' "$ca_tid" "$ca_v" "$ca_h" "$(ca_name "$ca_f")"
}

# ca_names FILE: what names it, one of them: a link, a process, a text of the host, or an old file that a way back would restore.  1 when that
# could not be looked for.  A name without its folder counts, and a path to nothing, for it may be another's view; so does a strange name.
# shellcheck disable=SC2086 # folders of ours, without blanks
ca_names() {
  ca_base=${1##*/} ca_same=$(stat -c %d:%i "$1")
  ca_text=$(timeout -s KILL 20 find $ca_named_in -xdev -type l -exec stat -L -c '%d:%i %n' {} + 2>/dev/null) # fails of a broken link, too
  [ $? -lt 124 ] || return 1
  ca_text=$(printf '%s\n' "$ca_text" | sed -n "s/^$ca_same //p" | head -n 1)
  if [ -n "$ca_text" ]; then printf '%s' "$ca_text" && return; fi
  ca_words_name_it "$(cat /proc/[0-9]*/cmdline 2>/dev/null | ca_words_like)" || { printf 'a running process' && return; }
  # Not on a command line: the timeout of busybox leaves it in the list of processes for a while, and the next search would find it.
  printf '%s\n' "$ca_base" >"$ca_state/retired/.name" || return 1
  ca_text=$(timeout -s KILL 60 find $ca_named_in "$ca_state"/tx/*/old -xdev -type f -exec grep -l -F -f "$ca_state/retired/.name" {} + 2>/dev/null)
  [ $? -lt 124 ] || return 1
  ca_each ca_names_it "$ca_text" || printf '%s' "$ca_by"
}

# ca_names_it TEXT: 1 when it names that file in a line that is no comment.
ca_names_it() {
  ca_by=$1
  case $ca_base in *[!A-Za-z0-9_.@+-]*) return 1 ;; esac
  ca_words_name_it "$(ca_words_like <"$1")"
}

# ca_words_like: words of a text that end with that name, which is on no command line: those are looked at, too.
ca_words_like() {
  tr -c 'A-Za-z0-9_.@+/#;\n-' ' ' | CA_BASE=$ca_base awk '/^ *[#;]/ { next } { gsub(/[#;]/, " "); for (i = 1; i <= NF; i++) {
    name = $i; sub(/.*\//, "", name); if (name == ENVIRON["CA_BASE"]) print $i } }' | sort -u
}

# ca_words_name_it WORDS: 1 when one of them is that file, or may be.
ca_words_name_it() {
  for ca_v in $1; do
    case $ca_v in /*) [ -e "$ca_v" ] && [ "$(stat -L -c %d:%i "$ca_v")" != "$ca_same" ] && continue ;; esac
    return 1
  done
}
