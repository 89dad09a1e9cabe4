# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# units.sh: what systemd knows of the units of a change, and where somebody listens; asked for all of them at once.

# ca_ask_units: what systemd knows of the units of the transaction, in ca_units_now: "unit state process restarts kill-mode begin" a line.  Each
# costs it some milliseconds, so of a service whose unit is known no other name is asked for.
ca_ask_units() {
  ca_units_now=$ca_nl ca_list=''
  [ -d /run/systemd/system ] || return 0
  ca_each ca_list_units "$ca_services"
  ca_lines ca_ask_of "$ca_list"
}

# ca_ask_again: what became of them; nothing is asked while the main process of each is the one that it was.
ca_ask_again() {
  ca_each ca_unit_holds "$ca_stood" || ca_ask_units
}

# ca_unit_holds LINE: of "before".
ca_unit_holds() {
  # shellcheck disable=SC2086 # the fields of one line
  set -- $1
  [ "$3" = - ] || return 1
  ca_unit_of "$2"
  ca_start_of "$ca_process"
  [ "$ca_is" = active ] && [ -n "$ca_started" ] && [ "$ca_started" = "$ca_began" ]
}

ca_list_units() {
  ca_service_of "$1"
  ca_was=${ca_nl}${ca_stood-}
  ca_was=${ca_was#*"$ca_nl$ca_service "}
  # shellcheck disable=SC2086 # the fields of one line
  set -- ${ca_was%%"$ca_nl"*}
  case $ca_action:${1--} in
    refresh:*) ;;
    *:-) ca_commas ca_list_unit "$ca_units,${ca_sockets#-}" ;;
    *) ca_commas ca_list_unit "$1,${2#-}" ;;
  esac
}

ca_list_unit() {
  case $ca_nl$ca_list in *"$ca_nl$1$ca_nl"*) ;; *) ca_list=$ca_list$1$ca_nl ;; esac
}

# ca_ask_of UNIT...: one systemctl for all of them; between two there is an empty line.
ca_ask_of() {
  ca_text=$(systemctl show -p Names -p ActiveState -p MainPID -p NRestarts -p KillMode "$@" </dev/null 2>/dev/null)
  while [ -n "$ca_text" ]; do
    ca_block=$ca_nl${ca_text%%"$ca_nl$ca_nl"*}$ca_nl
    case $ca_text in *"$ca_nl$ca_nl"*) ca_text=${ca_text#*"$ca_nl$ca_nl"} ;; *) ca_text='' ;; esac
    ca_row=''
    for ca_k in ActiveState MainPID NRestarts KillMode; do
      ca_shown "$ca_k"
      ca_row="$ca_row ${ca_v:--}"
    done
    ca_shown MainPID
    ca_start_of "${ca_v:-0}"
    ca_row="$ca_row ${ca_started:--}"
    ca_shown Names
    for ca_u in $ca_v; do ca_units_now=$ca_units_now$ca_u$ca_row$ca_nl; done
  done
}

# ca_shown NAME: that property in ca_block, in ca_v.
ca_shown() {
  ca_v=${ca_block#*"$ca_nl$1="}
  if [ "$ca_v" = "$ca_block" ]; then ca_v=''; else ca_v=${ca_v%%"$ca_nl"*}; fi
}

# ca_unit_of UNIT: those words, in ca_is ca_process ca_restarts_now ca_kill_mode ca_began.
ca_unit_of() {
  ca_v=${ca_units_now#*"$ca_nl$1 "}
  if [ "$ca_v" = "$ca_units_now" ]; then ca_v='- 0 - - -'; fi
  # shellcheck disable=SC2086 # words
  set -- ${ca_v%%"$ca_nl"*}
  ca_is=$1 ca_process=$2 ca_restarts_now=$3 ca_kill_mode=$4 ca_began=$5
}

# ca_commas FUNCTION LIST: FUNCTION with every word of a list with commas, until one fails.
ca_commas() {
  ca_then=$1 ca_ifs=$IFS
  IFS=,
  for ca_u in $2; do
    IFS=$ca_ifs
    [ -z "$ca_u" ] || "$ca_then" "$ca_u" || return 1
  done
  IFS=$ca_ifs
}

# ca_unit UNITS: in ca_active, the first of them that is active.
ca_unit() {
  ca_active=''
  ca_commas ca_unit_is_none "$1" || ca_active=$ca_u
}

ca_unit_is_none() {
  ca_unit_of "$1"
  [ "$ca_is" != active ]
}

# ca_listening: where somebody listens, in ca_open_now: addresses and ports in hex, a blank around each (proc(5) net/tcp: state 0A).
ca_listening() {
  ca_open_now=" $(awk 'BEGIN { while ((getline <"/proc/net/tcp") > 0 || (getline <"/proc/net/tcp6") > 0) if ($4 == "0A") printf "%s ", $2 }')"
}

# ca_note_all: what is active and listening now; both ways end with the same.
ca_note_all() {
  ca_stood=''
  ca_ask_units
  ca_listening
  ca_each ca_note_before "$ca_services"
}

# ca_note_before LINE: a line of "before": service unit socket restarts addresses...; "-" = none.
ca_note_before() {
  ca_service_of "$1"
  ca_unit "${ca_sockets#-}"
  ca_was_socket=$ca_active
  ca_unit "$ca_units"
  ca_unit_of "$ca_active"
  ca_open=
  ca_commas ca_note_port "${ca_ports#-}"
  ca_stood="$ca_stood$ca_service ${ca_active:--} ${ca_was_socket:--} $ca_restarts_now$ca_open$ca_nl"
}

ca_note_port() {
  for ca_address in $ca_open_now; do
    [ "$((0x${ca_address##*:}))" -ne "$1" ] || ca_open="$ca_open $ca_address"
  done
}
