# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# door.sh: the end of the agent that is installed (docs/least-privilege.md).  What comes on standard input is data: a line
# "crypto-agility NONCE DIGEST", a line a call with \002 between its words, a line "end NONCE".  Every call is checked (allowed.sh) before the
# first one is made, and what was cut off makes none.
ca_between=$(printf '\002')
ca_controls=$(printf '\001-\037\177')
ca_most_data=262144 # bytes
# What the end of the installed file sets, and ca_table for one service.
ca_table_names='' ca_max_file='' ca_command_time='' ca_host_keys=''
ca_t_needs='' ca_t_globs='' ca_t_follow='' ca_t_asked='' ca_t_mains='' ca_t_includes='' ca_t_folders='' ca_t_creates=''
ca_t_header='' ca_t_heads='' ca_t_value='' ca_t_ends='' ca_t_units='' ca_t_sockets='' ca_t_actions='' ca_t_checks=''

# ca_door FILE: read, check, answer.  FILE is this agent itself.
ca_door() {
  cd / || exit 1
  umask 077
  # shellcheck disable=SC3045 # what a shell cannot set stays
  for ca_v in f t v d; do ulimit "-$ca_v" unlimited 2>/dev/null; done # the caller's limits are not for us, nor for the watcher
  ca_text=$(head -c "$((ca_most_data + 1))")
  ca_digest=$(ca_digest "$1")
  set -f
  # shellcheck disable=SC2086 # its words
  set -- ${ca_text%%"$ca_nl"*}
  set +f
  case $#:${1-}:${2-} in
    3:crypto-agility:*[!0-9a-f]* | 3:crypto-agility:) set -- ;;
    3:crypto-agility:*) ;;
    *) set -- ;;
  esac
  if [ $# -eq 0 ]; then
    printf 'crypto-agility: no data for the installed agent; nothing was done\n'
    exit 0 # where standard input was lost a file comes next
  fi
  ca_nonce=$2 ca_meant=$3
  trap '' HUP
  ca_say "$ca_nonce" ca_answer </dev/null
}

# ca_answer: all calls, or why none.
ca_answer() {
  ca_refusal='' ca_stage='' ca_steps='' ca_count=0 ca_tid='' ca_code='' ca_message=''
  if ca_hear && ca_each ca_allow "$ca_calls" && ca_whole_transaction; then
    ca_each ca_make "$ca_calls"
  else
    ca_say_no
  fi
}

# ca_hear: the calls, one a line, in ca_calls.
ca_hear() {
  if [ "$ca_meant" != "$ca_digest" ]; then
    ca_refuse "the installed agent is of another release ($ca_digest): run quantumsafe.agility.install_agent"
  elif [ "${#ca_text}" -gt "$ca_most_data" ]; then
    ca_refuse "more than $ca_most_data bytes"
  else
    ca_calls=${ca_text#*"$ca_nl"}
    case $ca_calls in *"${ca_nl}end $ca_nonce") ;; *) ca_refuse "what was sent was cut off on its way" || return ;; esac
    ca_calls=${ca_calls%"$ca_nl"*}
  fi
}

# ca_refuse WHY: the first counts.
ca_refuse() {
  ca_refusal=${ca_refusal:-$(ca_line "$*")}
  return 1
}

# ca_say_no: a transaction that has begun speaks for itself: sent twice, the second finds changed what the first is at work on.
ca_say_no() {
  ca_refusal="${ca_refusal:-it was refused}; the installed agent did nothing: what it does not do needs full become (leave out agility_agent)"
  if [ "$ca_stage" = '' ] || [ "$ca_stage" = alone ]; then
    printf '\001P refused-agent %s\n' "$ca_refusal"
  elif [ -d "$ca_state/tx/$ca_new" ]; then
    ca_repeat
  else
    printf '\001T %s\nstate REFUSED\nerror refused-agent %s\n' "$ca_new" "$ca_refusal"
  fi
}

# ca_repeat: what became of the transaction that was sent before, and a look, which comes last.
ca_repeat() {
  ca_enter "$ca_new"
  ca_code='' ca_message='' ca_loaded=''
  ca_lock
  ca_report
  ca_unlock
  ca_stage=applied
  ! ca_allow "${ca_calls##*"$ca_nl"}" || ca_make "${ca_calls##*"$ca_nl"}"
}

# ca_words LINE FUNCTION: FUNCTION with the words of a call.
ca_words() {
  ca_then=$2 ca_ifs=$IFS
  IFS=$ca_between
  set -f
  # shellcheck disable=SC2086 # split at our mark alone
  set -- $1
  set +f
  IFS=$ca_ifs
  "$ca_then" "$@"
}

ca_allow() { ca_words "$1" ca_may; }

ca_make() { ca_words "$1" ca_do_it; }

# ca_do_it FUNCTION WORD...: only what ca_may let pass comes here.
ca_do_it() {
  case $1 in
    ca_step) ;; # they were kept when they were checked
    *) "$@" ;;
  esac
  return 0
}

# ca_built NUMBER: the new content of that change.
ca_built() {
  ca_building=$1
  ca_each ca_built_step "$ca_steps"
}

ca_built_step() {
  case $1 in
    "$ca_building keep "*)
      ca_v=${1#* * }
      ca_keep "${ca_v% *}" "${ca_v#* }"
      ;;
    "$ca_building line "*) ca_put "${1#*:}$ca_nl" ;;
    "$ca_building part "*) ca_put "${1#*:}" ;;
  esac
}

# ca_look all|more NAMES EXTRA...: what the services of this list ask for; "more" follows the words beside the extra files, too.
ca_look() {
  ca_how=$1 ca_names=$2
  shift 2
  ca_globs='' ca_follows='' ca_list='' ca_bases=''
  for ca_f; do
    ca_globs=$ca_globs$ca_f$ca_nl
    case $ca_f in *[*?[]*) ;; *) ca_bases=$ca_bases${ca_f%/*}$ca_nl ;; esac
  done
  ca_facts
  ca_each ca_look_at "$(printf '%s' "${ca_names#-}" | tr ',' '\n')"
  ca_ifs=$IFS
  IFS=$ca_nl
  set -f
  # shellcheck disable=SC2086 # one a line
  set -- $ca_host_keys$ca_globs
  set +f
  IFS=$ca_ifs
  ca_files "$ca_max_file" "$ca_follows" "$@"
  ca_commands "$ca_command_time" "$ca_list"
}

ca_look_at() {
  ca_table "$1"
  ca_follows=$ca_follows${ca_follows:+;}$ca_t_follow
  if [ "$ca_how" = more ]; then
    ca_each ca_beside "$ca_bases"
  elif ca_each_exists "$ca_t_needs"; then
    ca_globs=$ca_globs$ca_t_globs ca_list=$ca_list$ca_t_asked
  fi
  return 0
}

# ca_beside FOLDER: each word to follow names files of that folder, too.
ca_beside() {
  ca_follows=$ca_follows$(printf '%s' "$ca_t_follow" | tr ';' '\n' | while IFS='=' read -r ca_k _; do printf ';%s=%s' "$ca_k" "$1"; done)
}

ca_each_exists() {
  ca_ifs=$IFS
  IFS=$ca_nl
  # shellcheck disable=SC2086 # one a line
  set -- $1
  IFS=$ca_ifs
  ca_exists "$@"
}
