# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# allowed.sh: what the installed agent lets pass.  A call is one of a list, its words are of a shape, and names stand in for commands:
# ca_table, which was made from the services, holds all that may run, and the folders in which files may change.

# ca_may FUNCTION WORD...: one call; ca_stage is where its sequence stands.
ca_may() {
  case $ca_stage:$1:$# in
    :ca_status:1 | :ca_recover:2 | :ca_recover:4 | :ca_status:2 | :ca_confirm:3 | :ca_revert:3) ca_may_alone "$@" && ca_stage=alone ;;
    :ca_look:[3-9] | :ca_look:??* | applied:ca_look:[3-9] | applied:ca_look:??*) ca_may_look "$@" && ca_stage=${ca_stage:+done} && ca_stage=${ca_stage:-alone} ;;
    :ca_open:7) ca_may_open "$@" && ca_stage=open ;;
    open:ca_change:10 | change:ca_change:10) ca_settled && ca_may_change "$@" && ca_stage=change ;;
    change:ca_step:*) ca_may_step "$@" ;;
    change:ca_activate:* | activate:ca_activate:*) ca_settled && ca_may_activate "$@" && ca_stage=activate ;;
    activate:ca_apply:1) ca_stage=applied ;;
    *) ca_refuse "a call of $1 is not expected here" ;;
  esac
}

ca_may_alone() {
  case $1 in
    ca_recover) [ $# -eq 2 ] || { ca_is number "$3" && ca_is number "$4"; } && case $2 in yes | no) ;; *) ca_refuse "adopt is yes or no" ;; esac ;;
    ca_status) [ $# -eq 1 ] || ca_is id "$2" ;;
    ca_confirm | ca_revert) ca_is id "$2" && ca_is line "$3" ;;
  esac
}

# ca_is SHAPE WORD
ca_is() {
  case $1 in
    number) case $2 in '' | *[!0-9]* | ?????????*) false ;; esac ;;
    hex) case $2 in '' | *[!0-9a-f]*) false ;; esac ;;
    sha) [ "${#2}" -eq 64 ] && ca_is hex "$2" ;;
    keys) case $2 in - | *[0-9a-f]) case ${2#-} in *[!0-9a-f,]*) false ;; esac ;; *) false ;; esac ;;
    sha-) [ "$2" = - ] || ca_is sha "$2" ;;
    id) case $2 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9-]*) false ;; *) [ "${#2}" -le 64 ] ;; esac ;;
    plain) case $2 in '' | *[!A-Za-z0-9_.,@-]*) false ;; esac ;;
    line) [ "${#2}" -le 1000 ] && case $2 in *[$ca_controls]*) false ;; esac ;;
  esac || ca_refuse "$(ca_line "$2") is no $1"
}

ca_may_open() {
  ca_is id "$2" && ca_new=$2 && ca_is number "$3" && ca_is sha "$4" && ca_is plain "$5" && ca_is keys "$6" && ca_is line "$7"
}

# ca_may_look FUNCTION all|more NAMES EXTRA...
ca_may_look() {
  case $2 in all | more) ;; *) ca_refuse "a look is all or more" || return ;; esac
  ca_is plain "$3" && ca_each ca_is_service "$(printf '%s' "${3#-}" | tr ',' '\n')" || return
  shift 3
  for ca_f; do ca_may_read "$ca_f" || return; done
}

ca_is_service() { ca_table "$1" || ca_refuse "$1 is no service of this agent"; }

# ca_may_read GLOB: what is read besides what the agent itself looks for: by its name a configuration or a certificate, in a folder of a
# service; or an old file that is kept.
ca_may_read() {
  ca_rest=${1#"$ca_state/tx/"}
  case $ca_rest in
    "$1") ;;
    */old/*) ca_is id "${ca_rest%%/*}" && ca_is number "${ca_rest##*/old/}" && [ "$ca_rest" = "${ca_rest%%/*}/old/${ca_rest##*/old/}" ] && return ;;
  esac
  # A name that begins with a dot may stand for "..", as a pattern.
  case $1 in *[!A-Za-z0-9_./@+=,%*?-]* | */.*) ca_refuse "$1 is no name that it reads" || return ;; esac
  ca_inside "$1" || ca_refuse "$1 is outside of what it reads" || return
  case $1 in *.conf | *.pub | *.crt | *.cer | *.pem) ;; *) ca_refuse "$1 is neither .conf, .pub, .crt, .cer nor .pem, it reads no other files" ;; esac
}

# ca_inside PATH: it is in a folder of a service, whose row of the table is then the current one.
ca_inside() {
  case $1/ in [!/]* | *//* | */../* | */./*) return 1 ;; esac
  ca_found=''
  ca_wanted=$1
  ca_each ca_inside_of "$ca_table_names"
  [ -n "$ca_found" ] && ca_table "$ca_found"
}

ca_inside_of() {
  ca_table "$1"
  ca_service_at=$1
  ca_each ca_inside_folder "$ca_t_folders"
}

ca_inside_folder() { case $ca_wanted in "$1"/*) ca_found=$ca_service_at ;; esac; }

# ca_may_change FUNCTION NUMBER KIND BEFORE AFTER MODE OWNER GROUP SOURCE PATH
ca_may_change() {
  ca_is number "$2" && [ "$2" = "$((ca_count + 1))" ] || ca_refuse "changes are counted from 1" || return
  ca_is sha- "$4" && ca_is sha- "$5" && ca_is line "${10}" || return
  for ca_word in "$6" "$7" "$8"; do ca_is plain "$ca_word" || return; done
  ca_count=$2 ca_its_kind=$3 ca_its_file=${10} ca_its_before=$4
  eval "ca_build_$2() { ca_built $2; }" # a number
  ca_inside "${10}" || ca_refuse "${10} is outside of the folders that it changes" || return
  ca_its_services="${ca_its_services-}$ca_found "
  if [ "$(readlink -f "${10%/*}")" != "${10%/*}" ] || [ -h "${10}" ]; then
    ca_refuse "${10} leads over a symbolic link"
    return 1
  fi
  [ ! -d "$ca_state/tx/$ca_new" ] || return 0 # it was sent before: ca_whole_transaction makes nothing of it
  case $3:$9 in
    edit:-) ca_is sha "$4" && ca_may_edit ;;
    create:-)
      case $4:$6:$7:$8:$ca_nl$ca_t_creates in -:0644:root:root:*"$ca_nl${ca_its_file##*/}$ca_nl"*) ;; *) ca_refuse "$ca_its_file is no file that it creates" ;; esac
      ;;
    restore:*/* | remove:*/*) ca_is id "${9%%/*}" && ca_is number "${9#*/}" && ca_may_bring_back "$9" ;;
    *) ca_refuse "$3 is nothing that it does to a file" ;;
  esac
}

# ca_may_edit: a file that the service's main file includes, and none that only stands beside it (.htpasswd).
ca_may_edit() {
  ca_seen=$(
    # shellcheck disable=SC3013,SC2317 # the shells that we know have it, and the look at nginx's masters needs it, too
    ca_show() { for ca_f; do [ ! "$ca_f" -ef "$ca_its_file" ] || printf yes; done; }
    ca_ifs=$IFS
    IFS=$ca_nl
    # shellcheck disable=SC2086 # one a line
    set -- $ca_t_mains
    IFS=$ca_ifs
    ca_files "$ca_max_file" "$ca_t_includes" "$@"
  )
  case $ca_seen in *yes*) ;; *) ca_refuse "$ca_its_file is no configuration of $ca_found" ;; esac
}

# ca_may_bring_back ID/NUMBER: what this host kept of that change, when nobody but confirmed changes wrote to the file since.  The newest first.
ca_may_bring_back() {
  ca_wants=$1 ca_stands=$(ca_digest "$ca_its_file" 2>/dev/null)
  if [ "$ca_its_before" != "$ca_stands" ]; then
    ca_refuse "$ca_its_file is not as the change left it"
    return 1
  fi
  for ca_p in $(ca_by_age); do
    ca_enter "$ca_p"
    ca_last
    case $ca_st in CLEANED | CONFIRMED) ;; *) continue ;; esac
    ca_each ca_not_that_file "$(cat "$ca_tx/changes")" && continue
    ca_get "after.$ca_i"
    if [ "$ca_v" != "$ca_stands" ]; then
      ca_refuse "$ca_its_file was changed by someone else since $ca_p"
      return 1
    fi
    if [ "$ca_p/$ca_i" = "$ca_wants" ]; then
      case $ca_its_kind:$ca_kind in
        remove:create | restore:edit | restore:restore) return 0 ;;
        *) break ;;
      esac
    fi
    ca_stands=$ca_before
  done
  ca_refuse "$ca_wants is no confirmed change of $ca_its_file that is kept here"
}

# ca_not_that_file LINE: fails, which ends the list, at the change of ca_its_file.
ca_not_that_file() {
  ca_change_of "$1"
  [ "$ca_file" != "$ca_its_file" ]
}

# ca_may_step FUNCTION NUMBER keep AT COUNT | line :TEXT | part :TEXT
ca_may_step() {
  case $2:$3:$#:$ca_its_kind in
    "$ca_count":keep:5:edit) ca_is number "$4" && { [ "$5" = - ] || ca_is number "$5"; } && ca_v="$4 $5" ;;
    "$ca_count":line:4:edit | "$ca_count":line:4:create | "$ca_count":part:4:edit | "$ca_count":part:4:create)
      case $4 in :*) ca_v=$4 ;; *) ca_refuse "a text begins with a colon" ;; esac
      ;;
    *) ca_refuse "a step that is none" ;;
  esac && ca_steps="$ca_steps$2 $3 $ca_v$ca_nl"
}

# ca_settled: the change before, now that all its steps are known: without the directives that its service writes, old and new are the same.
ca_settled() {
  if [ "$ca_stage" = open ] || [ -d "$ca_state/tx/$ca_new" ]; then return 0; fi
  case $ca_its_kind in
    edit) ca_whole=$(cat "$ca_its_file" && printf .) && ca_whole=${ca_whole%.} ca_was_file=$ca_its_file ;;
    create) ca_whole='' ca_was_file=/dev/null ;;
    *) return 0 ;;
  esac
  ca_inside "$ca_its_file"
  ca_bad=$(ca_built "$ca_count" | ca_compare "$ca_was_file") || ca_refuse "$ca_its_file cannot be compared" || return
  [ -n "$ca_bad" ] || return 0
  ca_v=${ca_bad#*:}
  case $ca_steps in # what was not sent may be a secret
    *" :$ca_v$ca_nl"*) ca_refuse "$ca_its_file:${ca_bad%%:*}: \"$ca_v\" is not only cryptographic directives" ;;
    *) ca_refuse "$ca_its_file:${ca_bad%%:*}: what stands there is not only cryptographic directives, and would change" ;;
  esac
}

# ca_compare FILE: number and text of the first line on standard input that is neither in FILE nor directives of the service; the number alone
# of one that would be gone.  Only where a statement begins a directive is taken away; strings and comments are texts like any other.
ca_compare() {
  awk -v heads="($ca_t_heads)" -v value="$ca_t_value" -v ends="$ca_t_ends" -v header="$ca_t_header" '
    function by_line(s) {
      if (match(tolower(s), "^[ \t]*\"?" heads "\"?([ \t]*=[ \t]*|[ \t]+)\"?(" value ")\"?[ \t\r]*") && substr(s, RLENGTH + 1) ~ /^(#|$)/) return substr(s, RLENGTH + 1)
      return s }
    function token(s, n) { out = out substr(s, 1, n); return substr(s, n + 1) }
    # As ngx_conf_read_token(): a quote, "}" and "#" mean something at the beginning of a word only, "${" belongs to a word.
    function by_statement(s) {
      out = ""
      while (s != "" || in_word) {
        if (quote != "") {
          if (match(s, quote == "\"" ? "^([^\"\\\\]|\\\\.)*\"" : "^([^\047\\\\]|\\\\.)*\047")) { s = token(s, RLENGTH); quote = "" }
          else s = token(s, length(s))
        } else if (in_word) {
          in_word = match(s, "^(\\\\.|[$][{]|[$]|[^ \t\r;{\\\\$])+") && RLENGTH
          if (in_word) s = token(s, RLENGTH)
          in_word = s == "\\"
          if (in_word) { out = out s; break }
        } else if (start && match(tolower(s), "^[ \t]*" heads "[ \t]+(" value "|\"" value "\"|\047" value "\047)[ \t]*;")) s = substr(s, RLENGTH + 1)
        else if (match(s, /^[ \t\r]+/)) s = token(s, RLENGTH)
        else if (s ~ /^[;{}]/) { s = token(s, 1); start = 1 }
        else if (s ~ /^#/) s = token(s, length(s))
        else {
          start = 0
          if (s ~ /^["\047]/) { quote = substr(s, 1, 1); s = token(s, 1) } else in_word = 1
        }
      }
      return out }
    FNR == 1 { start = 1; quote = ""; in_word = 0 }
    { within = quote != "" || in_word
      left = ends == "" ? by_line($0) : by_statement($0)
      if (!within && (left ~ /^[ \t\r]*$/ || left == header)) next }
    part == 1 { was[++n] = left; line[n] = FNR; next }
    { m++; if (bad == "" && (m > n || left != was[m])) bad = FNR ":" $0 }
    END { if (bad == "" && m < n) bad = line[m + 1] ":"; print bad }' part=1 "$1" part=2 -
}

# ca_may_activate FUNCTION NAME ACTION UNITS SOCKETS PORTS CHECK...: as the table has it.
ca_may_activate() {
  ca_is_service "${2-}" && [ $# -ge 7 ] || ca_refuse "an activation that is none" || return
  ca_its_activated="${ca_its_activated-} $2 "
  case $ca_nl$ca_t_actions in *"$ca_nl$3$ca_nl"*) ;; *) ca_refuse "$2 knows no $3" || return ;; esac
  [ "$4" = "$ca_t_units" ] && [ "$5" = "${ca_t_sockets:--}" ] && case $6 in '' | *[!0-9,-]*) false ;; esac || ca_refuse "units that are not those of $2" || return
  shift 6
  ca_argv=$1
  shift
  for ca_word; do ca_argv=$ca_argv$ca_between$ca_word; done
  case $ca_nl$ca_t_checks in *"$ca_nl$ca_argv$ca_nl"*) ;; *) ca_refuse "$(printf '%s' "$ca_argv" | tr '\002' ' ') is no check that it runs" ;; esac
}

# ca_whole_transaction: it ends with ca_apply and a look, each service whose files change is checked and reloaded, and it was not sent before.
ca_whole_transaction() {
  case $ca_stage in
    alone) return 0 ;;
    done) ;;
    *) ca_refuse "a sequence of calls that is not whole" || return ;;
  esac
  for ca_word in ${ca_its_services-}; do
    case ${ca_its_activated-} in *" $ca_word "*) ;; *) ca_refuse "$ca_word would change and not be checked" || return ;; esac
  done
  [ ! -d "$ca_state/tx/$ca_new" ] || ca_refuse "it was sent before"
}
