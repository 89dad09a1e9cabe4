# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# services.sh: check, reload, and see that what listened still listens.
# A line of "services": name action units sockets ports; "checks": a name and one word of its checker a line.

# ca_service_of LINE: its words by name.
ca_service_of() {
  set -f
  # shellcheck disable=SC2086 # the fields of one line
  set -- $1
  set +f
  ca_service=$1 ca_action=$2 ca_units=$3 ca_sockets=$4 ca_ports=$5
}

# ca_check [PREFIX...]: run each service's own checker, behind PREFIX in one shell that mounts first what is in ca_mounts.  1 when one of them
# fails, whose last words become the error; 99 when the shell or its mounts do.
ca_check() {
  ca_kills
  # shellcheck disable=SC2016 # the inner shell expands it
  ca_said=$("$@" sh -c '
    bound=$1 checks=$2 from= name= ifs=$IFS IFS="
"
    set -f
    [ -z "$0" ] || mount --make-rprivate / || exit 99 # unshare does it since util-linux 2.27; -n: no note in /run/mount
    for path in $0; do
      if [ -z "$from" ]; then from=$path; else mount -n --bind "$from" "$path" || exit 99; from=; fi
    done
    set --
    for word in $checks end; do
      if [ "${word%% *}" != "$name" ]; then
        IFS=$ifs
        [ $# -eq 0 ] || $bound 30 "$@" || { printf "\n%s" "$name"; exit 98; }
        name=${word%% *}
        set --
      fi
      set -- "$@" "${word#* }"
    done' "$ca_mounts" "$ca_kill" "$ca_checks" 2>&1 </dev/null)
  case $? in
    0) return 0 ;;
    98) ;;
    *) return 99 ;;
  esac
  ca_error validate "the check of ${ca_said##*"$ca_nl"} says: $(printf '%s' "${ca_said%"$ca_nl"*}" | tail -n 3)"
}

# ca_bounded SECONDS COMMAND...: and what does not listen then is killed.
ca_bounded() {
  ca_kills
  # shellcheck disable=SC2086 # words of ours
  if [ -n "$ca_kill" ]; then $ca_kill "$@"; else shift && "$@"; fi
}

# ca_kills: what bounds a command here, in ca_kill.  The timeout of old busyboxes has no -k.
ca_kills() {
  if [ -n "${ca_kill+known}" ]; then return 0; fi
  ca_kill=''
  if timeout -k 1 1 true 2>/dev/null; then ca_kill='timeout -k 5'; elif command -v timeout >/dev/null 2>&1; then ca_kill=timeout; fi
}

# ca_patience: in ca_seconds, those that a service may take: on the way there not past the deadline; on the way back less, because a restart
# comes next.
ca_patience() {
  ca_seconds=60
  case ${ca_way-there} in
    back) ca_seconds=20 ;;
    there)
      ca_left
      if [ "$ca_secs_left" -gt 0 ] && [ "$ca_secs_left" -lt 60 ]; then ca_seconds=$ca_secs_left; fi
      ;;
  esac
}

# ca_activate_all: reload every service of the transaction, then wait until it stands as before.  The same both ways.  At boot nothing where
# systemd orders the services after us: they start with what they find.  Elsewhere what runs by then is started anew.  What is refreshed is no
# service: a program writes its files from ours, always.
ca_activate_all() {
  if [ "${ca_self-}" = boot ]; then
    ca_each ca_restart_running "$ca_services"
  else
    ca_ask_again
    ca_list='' ca_anew=$ca_nl
    ca_each ca_activate_one "$ca_services"
    ca_lines ca_reload "$ca_list"
    [ -z "$ca_code" ] && ca_standing
  fi
}

ca_restart_running() {
  ca_service_of "$1"
  if [ "$ca_action" = refresh ]; then ca_refresh; fi
  [ "$ca_action" != refresh ] && [ ! -d /run/systemd/system ] || return 0
  ! ca_script "$ca_units" status || ca_script "$ca_units" restart || ca_error reload "service ${ca_units%%,*} restart failed"
}

# ca_refresh: by the program that stands in the place of units.  Behind it may stand the folder where it makes links, in which it would leave
# those to a file that is gone until another comes.
ca_refresh() {
  ca_patience
  ca_bounded "$ca_seconds" "${ca_units%%,*}" </dev/null >/dev/null 2>&1 || ca_error reload "${ca_units%%,*} failed"
  case $ca_units in *,*) find "${ca_units#*,}" -type l ! -exec test -e {} \; -exec rm -f {} + ;; esac
}

ca_activate_one() {
  ca_service_of "$1"
  if [ "$ca_action" = refresh ]; then
    ca_refresh
    return 0
  fi
  ca_unit "$ca_units"
  [ "${ca_way-there}" != again ] || ca_action=restart
  case $ca_action in
    replace:* | secrets:* | update:*)
      if [ -n "$ca_active" ] || [ ! -d /run/systemd/system ]; then
        case $ca_action in secrets:*) ca_reread ;; esac
        case $ca_action in update:*) ca_update "${ca_action#*:}" ;; *) ca_commas ca_replace "${ca_action#*:}" ;; esac
        return 0
      fi
      ;;
  esac
  if [ "$ca_action" = restart ] && ca_ends_sessions; then ca_action=reload; fi
  if [ ! -d /run/systemd/system ]; then
    ca_script "$ca_units" "$ca_action" || ca_error reload "service ${ca_units%%,*} $ca_action failed"
  elif [ -n "$ca_active" ]; then
    if [ "$ca_action" = reload ]; then
      ca_list=$ca_list$ca_active$ca_nl
    else
      ca_anew=$ca_anew$ca_active$ca_nl
      ca_systemctl "$ca_action" "$ca_active"
    fi
  else
    ca_was=$ca_nl$ca_stood
    ca_was=${ca_was#*"$ca_nl$ca_service "}
    ca_was=${ca_was%% *}
    [ "$ca_was" != - ] || return 0
    ca_anew=$ca_anew$ca_was$ca_nl
    ca_bounded 60 systemctl reset-failed "$ca_was" </dev/null >/dev/null 2>&1
    ca_bounded 60 systemctl restart "$ca_was" </dev/null >/dev/null 2>&1 || ca_error reload "systemctl restart $ca_was failed"
  fi
  return 0
}

# ca_reread: the secrets of libreswan; no SA ends.  What it says may hold a piece of one.
ca_reread() {
  ca_patience
  ca_bounded "$ca_seconds" ipsec rereadsecrets </dev/null >/dev/null 2>&1 || ca_error reload "ipsec rereadsecrets failed"
}

# ca_replace NAME: one connection of libreswan, by what its file says now, and no other.  That ends its SAs, so one that had any, or shall be up, is
# established anew at once; one that waits for packets waits again.
ca_replace() {
  ca_patience
  ca_text=$(ca_bounded 20 ipsec status 2>/dev/null </dev/null | grep "\"$1\"")
  if ! ca_said=$(ca_bounded "$ca_seconds" ipsec replace "$1" 2>&1 </dev/null); then
    ca_error reload "ipsec replace $1 says: $(printf '%s' "$ca_said" | tail -n 1)"
  else
    case $ca_text in
      *ESTABLISHED_IKE_SA* | *policy:*+UP+*) ca_bounded 20 ipsec up --asynchronous "$1" </dev/null >/dev/null 2>&1 ;;
      *routed-ondemand*) ca_bounded 20 ipsec ondemand "$1" </dev/null >/dev/null 2>&1 ;;
    esac
  fi
  return 0
}

# ca_update NAME,NAME: what starter finds changed in ipsec.conf of strongSwan, and no other connection; no SA ends.  It answers nothing: what it cannot
# read is in its log alone, and what charon refuses is gone from the list of those that it has, where all of these have to stand.  On the way back the
# files are as they were, and a restart, which comes next where something fails, would end every SA and change nothing of what they say.
ca_update() {
  ca_patience
  ca_cursor=$(ca_bounded 10 journalctl -q -n 0 --show-cursor 2>/dev/null </dev/null | sed -n 's/^-- cursor: //p')
  if ! ca_text=$(ca_bounded "$ca_seconds" ipsec update 2>&1 </dev/null); then
    ca_error reload "ipsec update says: $(printf '%s' "$ca_text" | tail -n 1)"
    return 0
  fi
  ca_tries=0 ca_said=''
  while [ "$ca_tries" -lt 10 ]; do
    sleep 0.3 2>/dev/null || sleep 1
    [ -z "$ca_cursor" ] || ca_said=$(ca_bounded 10 journalctl -q -o cat -t charon -t ipsec_starter "--after-cursor=$ca_cursor" 2>/dev/null </dev/null)
    ca_text=$(ca_bounded 20 ipsec statusall 2>/dev/null </dev/null) ca_lacking=''
    ca_commas ca_is_loaded "$1"
    case $ca_said in
      *'keeping old one'*) break ;;
      *'[CFG] skipped invalid proposal'*) [ -z "$ca_lacking" ] || break ;;
      *'[CFG] added c'*) [ -n "$ca_lacking" ] || return 0 ;;
    esac
    ca_tries=$((ca_tries + 1))
  done
  [ "${ca_way-there}" = there ] || return 0
  ca_text=$(printf '%s' "$ca_said" | grep -e error -e 'not recognized' -e invalid | head -n 1)
  case $ca_said in
    *'keeping old one'*) ca_error reload "starter cannot read ipsec.conf: $ca_text" ;;
    *) [ -z "$ca_lacking" ] || ca_error reload "charon has not loaded$ca_lacking after ipsec update: ${ca_text:-its log does not say why}" ;;
  esac
  return 0
}

ca_is_loaded() { case $ca_text in *" $1:  "*) ;; *) ca_lacking="$ca_lacking $1" ;; esac; }

# ca_reload UNIT...: by one systemctl, side by side.  When that fails and time is left each is asked alone, for it does not say which it was.
ca_reload() {
  [ $# -gt 1 ] || { ca_systemctl reload "$1"; return 0; }
  ca_patience
  ca_bounded "$ca_seconds" systemctl reload "$@" </dev/null >/dev/null 2>&1 && return 0
  case $? in
    124 | 137) ca_error reload "systemctl reload $* took longer than $ca_seconds s" ;;
    *) for ca_u; do ca_systemctl reload "$ca_u"; done ;;
  esac
  return 0
}

# ca_systemctl ACTION UNIT: in bounds.
ca_systemctl() {
  ca_patience
  ca_bounded "$ca_seconds" systemctl "$@" </dev/null >/dev/null 2>&1 || ca_error reload "systemctl $* failed"
}

# ca_ends_sessions: whether a restart of this sshd would end the sessions that run, our own and everybody's.
ca_ends_sessions() {
  case $ca_active in ssh.service | sshd.service) ;; *) return 1 ;; esac
  ca_unit_of "$ca_active"
  [ "$ca_kill_mode" != process ]
}

# ca_script UNITS ACTION: without systemd, by the first of these names that has a script.
ca_script() {
  ca_ifs=$IFS
  IFS=,
  # shellcheck disable=SC2086 # a list with commas
  set -- "$2" $1
  IFS=$ca_ifs
  ca_action=$1 ca_u=${2%.service}
  shift
  for ca_n; do
    if [ -e "/etc/init.d/${ca_n%.service}" ]; then
      ca_u=${ca_n%.service}
      break
    fi
  done
  if command -v service >/dev/null 2>&1; then set -- service "$ca_u"; else set -- "/etc/init.d/$ca_u"; fi
  ca_patience
  ca_bounded "$ca_seconds" "$@" "$ca_action" </dev/null >/dev/null 2>&1
}

# ca_standing: every unit that was active is active with a main process that stays the same, and every address that was open is open, twice
# in a row: a daemon that dies of the reload and is started over and over does not pass, nor does one that was started over once.
ca_standing() {
  ca_tries=0 ca_good=0 ca_pids=''
  while [ "$ca_good" -lt 2 ]; do
    ca_down='' ca_seen_pids=$ca_pids ca_pids=''
    if [ "$ca_good" -eq 0 ]; then ca_ask_units; else ca_ask_again; fi
    case $ca_stood in *:*) ca_listening ;; esac
    ca_each ca_stands "$ca_stood"
    if [ -n "$ca_down" ]; then
      ca_good=0
    elif [ "$ca_good" -gt 0 ] && [ "$ca_pids" != "$ca_seen_pids" ]; then
      ca_good=1 ca_down="a service starts over and over"
    else
      ca_good=$((ca_good + 1))
    fi
    ca_tries=$((ca_tries + 1))
    if [ "$ca_tries" -gt 10 ]; then
      ca_error reload "after the reload $ca_down"
      return 1
    fi
    [ "$ca_good" -ge 2 ] || sleep 0.4 2>/dev/null || sleep 1
  done
}

# ca_stands LINE: what is not as it was goes into ca_down.
ca_stands() {
  # shellcheck disable=SC2086 # the fields of one line
  set -- $1
  ca_service=$1 ca_was=$2 ca_was_socket=$3 ca_restarts=$4
  shift 4
  case ${ca_anew-} in *"$ca_nl$ca_was$ca_nl"*) [ "$ca_restarts" = - ] || ca_restarts=0 ;; esac # with a restart systemd begins to count anew
  if [ "$ca_was" != - ] && [ -d /run/systemd/system ]; then
    ca_unit_of "$ca_was"
    if [ "$ca_is" = active ]; then ca_pids="$ca_pids $ca_was $ca_process $ca_restarts_now"; else ca_down="$ca_was is not active"; fi
    if [ "${ca_way-there}" = there ] && [ "$ca_restarts" != - ] && [ "$ca_restarts_now" != "$ca_restarts" ]; then
      ca_down="$ca_was died of it and was started again"
    fi
  fi
  if [ "$ca_was_socket" != - ]; then
    ca_unit_of "$ca_was_socket"
    [ "$ca_is" = active ] || ca_down="$ca_was_socket is not active"
  fi
  for ca_address; do
    case $ca_open_now in *" $ca_address "*) ;; *) ca_down="nothing listens on port $((0x${ca_address##*:})) of $ca_service as before" ;; esac
  done
}

# ca_validate: let each checker see the staged files at their real paths, in a mount namespace of its own.  Where namespaces are not
# allowed the check waits until after the swap, before the reload, with the way back armed.
ca_validate() {
  ca_deferred='' ca_mounts=''
  if unshare -m true 2>/dev/null; then
    ca_scratch=$ca_tx/scratch ca_folders='' ca_copied=$ca_nl
    mkdir "$ca_scratch" && ca_each ca_mount "$ca_changes" || return 1
    case $ca_folders in *"$ca_nl"?*) ca_folders=$(printf '%s' "$ca_folders" | sort -r) ;; esac
    ca_each ca_mount_folder "$ca_folders"
    ca_check unshare -m
    case $? in 0) ;; 99) ca_deferred="deferred: $ca_said" ;; *) return 1 ;; esac
    rm -rf "$ca_scratch"
  else
    ca_deferred="deferred: no mount namespaces here"
  fi
  ca_record VALIDATED "$ca_deferred"
}

# ca_check_deferred: what could not be checked before it was in its place.
ca_check_deferred() {
  [ -n "$ca_deferred" ] || return 0
  ca_mounts=''
  ca_check || ca_error validate "the check could not be run: $ca_said"
}

# ca_mount LINE: what has to be seen where, in ca_mounts: a path to mount and the one below it, a line each.
ca_mount() {
  ca_change_of "$1"
  case $ca_kind in
    edit | restore) ca_mounts=$ca_mounts$ca_fresh$ca_nl$ca_file$ca_nl ;;
    create | remove)
      ca_told_of "$ca_copied" "$ca_dir"
      ca_copy=$ca_v
      if [ -z "$ca_copy" ]; then
        ca_copy=$ca_scratch/$ca_i
        cp -a "$ca_dir" "$ca_copy" || return 1
        ca_copied=$ca_copied$ca_dir$ca_nl$ca_copy$ca_nl ca_folders=$ca_folders$ca_dir$ca_nl
      fi
      if [ "$ca_kind" = create ]; then cp -a "$ca_fresh" "$ca_copy/${ca_file##*/}"; else rm -f "$ca_copy/${ca_file##*/}"; fi
      ;;
  esac
}

# ca_mount_folder DIR: below everything that is mounted into it; the deepest comes first here, so that its parent gets below it in turn.
ca_mount_folder() {
  ca_told_of "$ca_copied" "$1"
  ca_mounts=$ca_v$ca_nl$1$ca_nl$ca_mounts
}
