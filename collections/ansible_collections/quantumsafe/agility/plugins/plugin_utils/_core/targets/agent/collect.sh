# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# collect.sh: show files and answers of commands.  POSIX sh; functions only, called by the last line of what the controller sends.
# Promises: reads only, leaves nothing, runs no shell over anything it was given, ends every command in time, redacts secrets here.
# What it prints is framed by a random marker and encoded, so noise of a login shell or the CR of a terminal cannot reach it; what tools
# complain of is not printed, for a terminal would mix it in.
# Sections begin with a line of \001 and a letter; see targets/answer.py for the other side.
ca_nl='
'
ca_path=$PATH:/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin
ca_limit=33554432 # bytes of one whole answer
ca_most=4194304   # bytes of what one command says
ca_noise=262144   # bytes of what they all say on their standard error, the last ones

# ca_say MARKER COMMAND...: the framed, encoded output of COMMAND.
ca_say() {
  ca_marker=$1
  shift
  PATH=$ca_path LC_ALL=C
  export PATH LC_ALL
  if command -v base64 >/dev/null 2>&1; then
    printf '\n==CA:%s:b64==\n' "$ca_marker"
    { "$@"; printf '\n\001Z %s\n' "$ca_marker"; } 2>/dev/null | head -c "$ca_limit" | base64
  else
    printf '\n==CA:%s:hex==\n' "$ca_marker"
    { "$@"; printf '\n\001Z %s\n' "$ca_marker"; } 2>/dev/null | head -c "$ca_limit" | od -An -v -tx1
  fi
  printf '\n==CA:%s:end==\n' "$ca_marker"
}

# ca_missing NAME...: which of these utilities, and of those that we always need, this host lacks, one a line in ca_lacks.
ca_missing() {
  ca_lacks=
  for ca_tool in awk sed stat head tail readlink tr timeout wc "$@"; do
    command -v "$ca_tool" >/dev/null 2>&1 || ca_lacks=$ca_lacks$ca_tool$ca_nl
  done
  ca_summer || ca_lacks=${ca_lacks}sha256sum$ca_nl
  command -v base64 >/dev/null 2>&1 || command -v od >/dev/null 2>&1 || ca_lacks="${ca_lacks}base64 or od$ca_nl"
}

# ca_summer: what makes a SHA-256 here, in ca_sum: in hex, one line a file, the digest first.
ca_summer() {
  if [ -n "${ca_sum-}" ]; then
    return
  elif command -v sha256sum >/dev/null 2>&1; then
    ca_sum=sha256sum
  elif command -v shasum >/dev/null 2>&1; then
    ca_sum='shasum -a 256'
  elif command -v openssl >/dev/null 2>&1; then
    ca_sum='openssl dgst -sha256 -r'
  else
    return 1
  fi
}

# ca_sha [FILE...]: SHA-256 in hex, one line a file, the digest first.
ca_sha() {
  ca_summer && $ca_sum "$@"
}

# ca_lines COMMAND LINES...: COMMAND with one argument a line.
ca_lines() {
  ca_do=$1 ca_ifs=$IFS
  IFS=$ca_nl
  set -f
  # shellcheck disable=SC2086 # one path a line
  set -- $2
  set +f
  IFS=$ca_ifs
  [ $# -eq 0 ] || "$ca_do" "$@"
}

# ca_boot: in ca_booted, what changes with every boot, also of a container, whose boot_id outlives it: the start time of PID 1 (proc(5), field 22).
ca_boot() {
  [ -z "${ca_booted-}" ] || return 0
  read -r ca_bid </proc/sys/kernel/random/boot_id && read -r ca_stat </proc/1/stat || return 1
  # shellcheck disable=SC2086 # fields of a line of numbers
  set -- ${ca_stat##*) }
  shift 19
  ca_booted=$ca_bid.$1
}

# ca_uid: who we are (proc(5), the effective id), without a process.
ca_uid() {
  while read -r ca_k _ ca_v _; do
    if [ "$ca_k" = Uid: ]; then break; fi
  done </proc/self/status
}

# ca_facts: who this is, one NAME=VALUE a line.
ca_facts() {
  printf '\001I\n'
  ca_m=
  [ -r /etc/machine-id ] && read -r ca_m </etc/machine-id
  ca_uid
  ca_boot
  printf 'machine_id=%s\nboot=%s\nuid=%s\n' "$ca_m" "${ca_booted-}" "$ca_v"
  [ -r /proc/sys/kernel/hostname ] && read -r ca_m </proc/sys/kernel/hostname && printf 'hostname=%s\n' "$ca_m"
  ca_m=0
  [ -r /proc/sys/crypto/fips_enabled ] && read -r ca_m </proc/sys/crypto/fips_enabled
  printf 'fips=%s\n' "$ca_m"
  [ -d /run/systemd/system ] && printf 'systemd=yes\n' || printf 'systemd=no\n'
  if [ -r /etc/os-release ]; then
    ca_n=3 # a shell reads byte by byte, so no further than it must
    while [ "$ca_n" -gt 0 ] && IFS='=' read -r ca_k ca_v; do
      case $ca_k in ID | VERSION_ID | PRETTY_NAME) printf 'os_%s=%s\n' "$ca_k" "$ca_v" && ca_n=$((ca_n - 1)) ;; esac
    done </etc/os-release
  fi
  ca_missing
  for ca_m in $ca_lacks; do printf 'missing=%s\n' "$ca_m"; done
}

# ca_name PATH: plain, or in hex where a line could not carry it.
ca_name() {
  case $1 in
    *[!A-Za-z0-9_./@:+=,%-]*) printf 'x:%s\n' "$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')" ;;
    *) printf 'p:%s\n' "$1" ;;
  esac
}

# ca_files MAX FOLLOW GLOB...: every file that the globs match, and those that their lines name after a word to follow.
# FOLLOW is "word=base;word=base;".  The arguments are a queue: globs still to expand in front, files found behind.
ca_files() {
  ca_max=$1 ca_words_to=$2
  shift 2
  ca_seen=$ca_nl ca_todo=$# ca_depth=0
  while [ "$ca_todo" -gt 0 ]; do
    ca_new=0
    while [ "$ca_todo" -gt 0 ]; do
      ca_glob=$1
      shift
      ca_todo=$((ca_todo - 1))
      ca_ifs=$IFS
      IFS=
      for ca_f in $ca_glob; do
        [ -f "$ca_f" ] || continue
        case $ca_seen in *"$ca_nl$ca_f$ca_nl"*) continue ;; esac
        ca_seen=$ca_seen$ca_f$ca_nl
        if [ -r "$ca_f" ]; then
          set -- "$@" "$ca_f"
          ca_new=$((ca_new + 1))
        else
          printf '\001U %s' "$(ca_name "$ca_f")$ca_nl"
        fi
      done
      IFS=$ca_ifs
    done
    ca_depth=$((ca_depth + 1))
    if [ "$ca_new" -eq 0 ] || [ -z "$ca_words_to" ] || [ "$ca_depth" -ge 10 ]; then break; fi
    ca_found=$(
      shift $(($# - ca_new))
      ca_named "$@"
    )
    ca_had=$#
    ca_ifs=$IFS
    IFS=$ca_nl
    set -f
    # shellcheck disable=SC2086 # one path a line
    set -- $ca_found "$@"
    set +f
    IFS=$ca_ifs
    ca_todo=$(($# - ca_had))
  done
  [ $# -eq 0 ] || ca_show "$@"
}

# ca_named FILE...: the paths and globs that a word to follow names, wherever in a line it stands; at a line's end it waits for the next one.
ca_named() {
  awk -v follow="$ca_words_to" '
    BEGIN { n = split(follow, pairs, ";"); for (i = 1; i <= n; i++) { at = index(pairs[i], "="); if (at) { word = substr(pairs[i], 1, at - 1); base[word] = base[word] substr(pairs[i], at + 1) "\n" } } }
    { sub(/\r$/, ""); gsub(/[{};]/, " ; "); begins = !waits || FNR == 1; if (begins) word = ""; waits = 0
      for (i = 1; i <= NF; i++) { p = $i; gsub(/["\047]/, "", p)
        if (p == ";") { begins = 1; word = ""; continue }
        if (p ~ /^#/) break
        if (begins) { begins = 0; word = tolower(p); waits = word in base; if (!waits) word = ""; continue }
        waits = 0
        if (word == "" || p == "") continue
        if (p ~ /^\//) print p; else { m = split(base[word], from, "\n"); for (j = 1; j < m; j++) print from[j] "/" p } } }' "$@"
}

# ca_show FILE...: one stat, one sha256, one awk for all of them.  The awk redacts, line by line, so that line numbers stay true.
ca_show() {
  for ca_f; do
    for ca_x in dpkg-dist dpkg-new ucf-dist ucf-new rpmnew; do # what a package manager left to be decided on
      [ ! -e "$ca_f.$ca_x" ] || printf '\001W %s' "$(ca_name "$ca_f.$ca_x")$ca_nl"
    done
  done
  printf '\001F %s\n' $#
  for ca_f; do
    ca_name "$ca_f"
    if [ -h "$ca_f" ]; then ca_name "$(readlink -f "$ca_f")"; else printf '%s\n' -; fi
  done
  ca_sizes=$(stat -L -c '%s %a %U %G' "$@")
  printf '%s\n' "$ca_sizes"
  ca_sha "$@"
  awk -v max="$ca_max" -v sizes="$ca_sizes" '
    function cut(s, at,   head, tail, q) {
      head = substr(s, 1, at); tail = ""
      if (match(s, /[;{} \t\r]*$/)) tail = substr(s, RSTART)
      q = head; if (gsub(/"/, "", q) % 2) tail = "\"" tail
      q = head; if (gsub(/\047/, "", q) % 2) tail = "\047" tail
      return head " [redacted]" tail }
    function whole() { if (at) printf "\001E %d %d %d %d\n", at, bytes, hidden, nul }
    BEGIN { count = split(sizes, size, "\n"); at = 0; zero = sprintf("%c", 0) }
    FNR == 1 { whole()
      do { at++ } while (at < ARGC && ARGV[at] != FILENAME)
      bytes = 0; hidden = 0; key = 0; nul = 0; block = ""; on = 0; quoted = 0; printf "\001L %d\n", at }
    zero != "" && !nul && index($0, zero) { nul = bytes + index($0, zero) }
    { bytes += length($0) + 1
      if (size[at] + 0 > max + 0) next
      # A value that goes on behind a backslash, as in files of systemd, which skips a comment between.
      if (on) { on = $0 ~ /\\[ \t\r]*$|^[ \t]*[#;]/; hidden++; print "|[redacted]"; next }
      # Blocks of OpenVPN whose lines are secret; the lines of their tags stay.
      if (block != "") {
        if (match($0, /^[ \t]*/) && index(substr($0, RLENGTH + 1), "</" block ">") == 1) { block = ""; print "|" $0 } else { hidden++; print "|[redacted]" }
        next }
      if ($0 ~ /^[ \t]*["\047]?<((auth-gen-token-)?secret|key|tls-auth|tls-crypt|tls-crypt-v2|pkcs12|(http-proxy-|auth-)user-pass)>/) {
        block = $0; sub(/^[^<]*</, "", block); sub(/>.*/, "", block) }
      if ($0 ~ /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY|OpenVPN )/) key = 1
      if (key) { if ($0 ~ /-----END ([A-Z0-9 ]*PRIVATE KEY|OpenVPN )/) key = 0; hidden++; print "|[redacted]"; next }
      if (quoted) { hidden++; quoted = $0 !~ /^([^"\\]|\\.)*"/; rest = ""; if (!quoted && match($0, /[;{} \t\r]*$/)) rest = "\"" substr($0, RSTART)
        print "|[redacted]" rest; next }
      low = tolower($0)
      if (match(low, /pkcs11:[^ \t"\047?]*/)) { # there the label of a token is none
        head = substr(low, 1, RSTART - 1); rest = substr(low, RSTART + RLENGTH); low = substr(low, RSTART, RLENGTH)
        gsub(/[:;]token=/, ":label=", low); low = head low rest }
      # swanctl.conf and ipsec.conf name the kind of authentication so, with much behind it on the line.
      while (index(low, "psk") && match(low, /auth(by)?[ \t]*=[ \t]*psk/)) low = substr(low, 1, RSTART + RLENGTH - 4) "---" substr(low, RSTART + RLENGTH)
      if (index(low, "ppk") && low ~ /^[ \t]+ppk[ \t]*=[ \t]*(yes|no|insist|propose|permit|never)[ \t\r]*(#.*)?$/) sub(/ppk/, "---", low) # and libreswan whether there is one
      # PSK is a word of cipher lists, too ("HIGH:!PSK:!MD5"), so ":" is not enough after it.
      # The last ones are of HAProxy and of PostgreSQL, whose commands may hold a password.
      if (match(low, /(^|[^a-z0-9])(password|passwd|passphrase|secret|(preshared|private)-?key|token|api[_-]?key|authorization|stats[ \t]+auth|ca-sign-pass|pin-value|(archive|restore|cleanup|end|passphrase)_command|primary_conninfo|ldapbindpasswd|radiussecrets)["\047]?[ \t]*[:= \t][ \t]*/) ||
        match(low, /(^|[^a-z0-9!+-])(p[sp]k|pin)(["\047]?[ \t]*=|["\047][ \t]*:|[ \t]*:[ \t]|[ \t])[ \t]*/)) {
        rest = substr($0, RSTART + RLENGTH)
        if (rest ~ /^"([^"\\]|\\.)*\\?$/) { hidden++; quoted = 1; print "|" substr($0, 1, RSTART + RLENGTH - 1) "\"[redacted]"; next } # it ends on a later line
        on = $0 ~ /\\[ \t\r]*$/; sub(/[;{} \t\r]+$/, "", rest)
        if (rest != "") { hidden++; print "|" cut($0, RSTART + RLENGTH - 1); next } }
      print "|" $0 }
    END { whole(); exit zero == "" }' "$@" || ca_nuls "$@"
}

# ca_nuls FILE...: where the first NUL of a file is, counted from 1, for an awk that does not see it (that of busybox).
ca_nuls() {
  ca_at=0
  [ "$(cat "$@" | tr -dc '\000' | head -c 1 | wc -c)" -ne 0 ] || return 0
  for ca_f; do
    ca_at=$((ca_at + 1))
    [ "$(tr -dc '\000' <"$ca_f" | head -c 1 | wc -c)" -eq 0 ] ||
      printf '\001O %s %s\n' "$ca_at" "$(tr '\000\n' '\n\001' <"$ca_f" | head -n 1 | wc -c | tr -d ' ')"
  done
}

# ca_commands SECONDS LIST: the lines of LIST, which call ca_run.  Standard output goes straight into the answer; what they say on standard
# error is kept together, bounded, and follows behind, so that a command costs one process and no more.
ca_commands() {
  [ -n "$2" ] || return 0
  { ca_errs=$(ca_ask "$1" "$2" 2>&1 | tail -c "$ca_noise"); } 3>&1
  printf '\n%s\n' "$ca_errs"
}

# ca_ask SECONDS LIST: one timeout(1) and one head(1) for all of them, for each is a process more.  Only when something hung or said too much
# are they asked again, each with its own.  A timeout of busybox, a link, would end the shell alone and leave what hangs.  KILL, for what is
# deaf to TERM; they only read.
ca_ask() {
  ca_alone=
  if [ ! -h "$(command -v timeout)" ]; then
    ca_bad=$({ { timeout -s KILL "$1" sh -c "$ca_runner$ca_nl$2"'printf "\n" >&3' </dev/null 3>&1 4>&- || printf bad >&4; } |
      head -c "$ca_most" >&3 4>&-; } 4>&1)
    [ -n "$ca_bad" ] || return 0
  fi
  # shellcheck disable=SC2034 # ca_run reads it
  ca_alone=$1
  eval "$2"
}

# ca_run ID COMMAND...: its output on 3, its exit code behind it (and in ca_rc), its standard error marked with its ID.  A text, because
# the shell below timeout(1) needs it, too.  ca_there ID PATH...: which of them are there, as the answer of a command would be.
# shellcheck disable=SC2016 # it is expanded where it runs
ca_runner='
ca_run() {
  ca_id=$1 ca_rc=127
  shift
  printf "\n\001C %s\n" "$ca_id" >&3
  command -v "$1" >/dev/null 2>&1 || {
    printf "\n\001R not found\n" >&3
    return
  }
  printf "\n\001N %s\n" "$ca_id" >&2
  if [ -n "${ca_alone-}" ]; then
    ca_rc=$({ { timeout -s KILL "$ca_alone" "$@" </dev/null 3>&- 4>&-; printf %s "$?" >&4; } |
      { head -c "$ca_most" >&3 4>&-; [ "$(head -c 1 | wc -c)" -eq 0 ] || printf cut >&4; }; } 4>&1)
    case $ca_rc in *cut*) ca_rc=141 ;; esac
  else
    "$@" </dev/null >&3 3>&-
    ca_rc=$?
  fi
  printf "\n\001R %s\n" "$ca_rc" >&3
}
ca_there() {
  printf "\n\001C %s\n" "$1" >&3
  shift
  for ca_f; do [ ! -e "$ca_f" ] || printf "%s\n" "$ca_f" >&3; done
  printf "\n\001R 0\n" >&3
}'
eval "$ca_runner"

# ca_exists PATH...: whether any of them is there.
ca_exists() {
  for ca_f; do [ -e "$ca_f" ] && return 0; done
  return 1
}
