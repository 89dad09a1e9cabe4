# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# held.sh: which certificates, keys and trust anchors lie on this host.  Reads only, bounded in files, bytes and time.
# Of certificates their text leaves this host, for they are public.  Of a private key nothing leaves but its public half, made here; of a
# list of keys neither comments nor options.  What is printed is let through by its shape, so a key that is labelled a certificate stays.
ca_held_most=2000     # files that are looked at
ca_held_show=1048576  # bytes of a file whose certificates are shown; in a larger one they are counted
ca_held_read=16777216 # bytes of a file that is read at all
ca_held_pem=8388608   # bytes of all certificates that are shown
ca_held_time=60       # seconds for all keys and chains; then the rest is left, and that is said

# ca_held WHOLE NAMED NAMES BUNDLES THINGS KEYLISTS PATH...: lists of one word a line: folders in which every file counts; folders in which
# those count that have one of NAMES; bundles of trust anchors, the first counts; "id=glob" of what says who renews; patterns of key lists (%h, %u).
ca_held() {
  ca_whole=$1 ca_named=$2 ca_names=$3 ca_bundles=$4 ca_things=$5 ca_lists=$6
  shift 6
  ca_held_up
  ca_held_end=$((ca_up + ca_held_time))
  ca_facts
  ca_all=$({ ca_held_given "$@"; ca_held_found; } | sort -u)
  printf '\001O\n'
  # shellcheck disable=SC2016 # it is expanded where it runs
  ca_held_folders "$ca_whole$ca_nl$ca_named" -path '*[[:cntrl:]]*' -exec sh -c 'for f; do printf %s "$f" | od -An -v -tx1 | tr -d " \n"; echo; done' sh {} + | head -n 100
  printf '\001A\n'
  ca_links=$({ for ca_f; do [ ! -h "$ca_f" ] || printf '%s\n' "$ca_f"; done && ca_held_links; } | sort -u | head -n 300)
  ca_lines ca_held_real "$ca_links"
  ca_split "$(printf '%s\n' "$ca_all" | sed -n "$((ca_held_most + 1)),\$p" | wc -l | tr -d ' ')" "$ca_all"
  ca_held_all "$@"
  ca_held_others
}

ca_held_up() { read -r ca_up _ </proc/uptime && ca_up=${ca_up%%.*}; }
ca_held_late() { ca_held_up && [ "$ca_up" -ge "$ca_held_end" ]; }

# ca_held_folders FOLDERS EXPRESSION...: regular files below those that are there.
ca_held_folders() {
  ca_in=$(for ca_f in $1; do [ ! -d "$ca_f" ] || printf '%s\n' "$ca_f"; done)
  shift
  [ -n "$ca_in" ] || return 0
  # shellcheck disable=SC2086 # folders of ours, without blanks
  timeout -s KILL 30 find -H $ca_in -xdev -maxdepth 8 -type f "$@"
}

# ca_held_found: paths, one a line.  A name that holds a control character is told apart, and not looked at.
ca_held_found() {
  ca_homes=$(awk -F: '$6 ~ /^\/[A-Za-z0-9_.\/-]+$/ { print $6 "/.ssh" }' /etc/passwd | sort -u)
  ca_held_folders "$ca_whole$ca_nl$ca_homes" ! -path '*[[:cntrl:]]*' -print
  set -f
  # shellcheck disable=SC2086 # patterns of ours, without blanks
  set -- $ca_names
  for ca_f; do
    set -- "$@" -o -name "$ca_f"
    shift
  done
  set +f
  shift
  ca_held_folders "$ca_named" ! -path '*[[:cntrl:]]*' '(' "$@" ')' -print
}

# ca_held_given PATH...: where these lead, and the key lists of all users.
ca_held_given() {
  for ca_f; do [ ! -f "$ca_f" ] || readlink -f "$ca_f"; done
  awk -F: -v lists="$ca_lists" 'BEGIN { n = split(lists, list, "\n") }
    $6 ~ /^\// { for (i = 1; i <= n; i++) { p = list[i]; gsub(/&/, "\\\\&", $6); gsub(/%h/, $6, p); gsub(/%u/, $1, p); gsub(/%%/, "%", p)
      if (p == "" || p == "none") continue; if (p !~ /^\//) p = $6 "/" p; print p } }' /etc/passwd | sort -u | while IFS= read -r ca_f; do
    [ ! -f "$ca_f" ] || printf '%s\n' "$ca_f"
  done
}

# ca_split LEFT LINES: what is there of each file, and which way it is looked at: P it may hold PEM, S lists of SSH keys, B and H too large.
ca_split() {
  printf '\001L %s\n\001M\n' "$1"
  ca_stats=$(ca_lines ca_held_stat "$(printf '%s\n' "$2" | head -n "$ca_held_most")")
  printf '%s\n' "$ca_stats"
  ca_kinds=$(printf '%s\n' "$ca_stats" | awk -v show="$ca_held_show" -v most="$ca_held_read" -v lists="$ca_nl$(ca_held_given)$ca_nl" -v bundles="$ca_nl$(for ca_f in $ca_bundles; do [ ! -f "$ca_f" ] || readlink -f "$ca_f"; done)$ca_nl" '
    /^[0-9]/ { size = $0; sub(/\/.*/, "", size); name = $0; sub(/^[^\/]*\/[^\/]*\/[^\/]*\/[^\/]*\//, "", name); base = name; sub(/.*\//, "", base)
      kind = size + 0 > most ? "H" : size + 0 > show || index(bundles, "\n" name "\n") ? "B" : "P"
      if (kind == "P" && (base ~ /^(authorized_keys|known_hosts|ssh_known_hosts)/ || base ~ /\.pub$/ || index(lists, "\n" name "\n"))) kind = "S"
      print kind name }')
}

ca_held_stat() {
  for ca_f; do
    shift
    if [ -r "$ca_f" ]; then set -- "$@" "$ca_f"; else printf 'u %s\n' "$ca_f"; fi
  done
  [ $# -eq 0 ] || stat -c '%s/%a/%U/%G/%n' "$@"
}

ca_of() { printf '%s\n' "$ca_kinds" | sed -n "s/^$1//p"; }

ca_held_all() {
  printf '\001D\n'
  ca_lines ca_sha "$(printf '%s\n' "$ca_kinds" | sed -n 's/^[PSB]//p')"
  printf '\001B\n'
  ca_pem=$(ca_of P)
  ca_lines ca_held_blocks "$ca_pem"
  ca_lines ca_held_count "$(ca_of B)"
  ca_of H | sed 's/^/l /'
  printf '\001S\n'
  ca_lines ca_held_ssh "$({ ca_of S; for ca_f; do [ ! -f "$ca_f" ] || readlink -f "$ca_f"; done; } | sort -u)"
  printf '\001K\n'
  ca_lines ca_held_keys "$ca_pem"
  printf '\001X\n'
  ca_lines ca_held_binary "$ca_pem"
  printf '\001V\n'
  ca_lines ca_held_verify "$ca_pem"
}

# ca_held_blocks FILE...: "f FILE", then for each PEM block "c BASE64" of a certificate, "b KIND plain|encrypted" of anything else.
# A certificate begins with SEQUENCE { SEQUENCE { (RFC 5280 §4.1), both longer than 127 bytes; a key never does (PKCS#8, RFC 5958: INTEGER).
ca_held_blocks() {
  awk -v most="$ca_held_pem" '
    function told() { if (kind != "") print "b " kind " unfinished"; kind = "" }
    BEGIN { n = split("PRIVATE KEY|ENCRYPTED PRIVATE KEY|RSA PRIVATE KEY|EC PRIVATE KEY|DSA PRIVATE KEY|OPENSSH PRIVATE KEY|PUBLIC KEY|X509 CRL|CERTIFICATE REQUEST|NEW CERTIFICATE REQUEST|PKCS7|CMS|DH PARAMETERS|EC PARAMETERS|SSH2 PUBLIC KEY|OpenVPN Static key V1", names, "|")
      for (i = 1; i <= n; i++) known[names[i]] = 1
      known["CERTIFICATE"] = known["X509 CERTIFICATE"] = known["TRUSTED CERTIFICATE"] = 1 }
    FNR == 1 { told(); print "f " FILENAME }
    { sub(/\r$/, "") }
    /^-----BEGIN / { told(); kind = $0; sub(/^-----BEGIN /, "", kind); sub(/-----.*/, "", kind); if (!(kind in known)) kind = "other"
      text = ""; how = kind ~ /^ENCRYPTED/ ? "encrypted" : "plain"; bad = 0; first = 1; next }
    kind == "" { next }
    /^-----END / {
      if (kind !~ /CERTIFICATE$/) print "b " kind " " how
      else if (bad || text !~ /^MI[IJKL][A-Za-z0-9+\/][A-Za-z0-9+\/][DTjz]C[BC]/) print "b no-certificate"
      else if ((sum += length(text)) > most) print "b untold"
      else print "c " text
      kind = ""; next }
    kind ~ /CERTIFICATE$/ { if ($0 ~ /^[A-Za-z0-9+\/]+=*$/) text = text $0; else if ($0 != "") bad = 1; next }
    /^Proc-Type: 4,ENCRYPTED/ { how = "encrypted" }
    kind ~ /^OPENSSH/ && first { first = 0; if ($0 !~ /^b3BlbnNzaC1rZXktdjEAAAAABG5vbmU/) how = "encrypted" }
    END { told() }' "$@"
}

# ca_held_count FILE...: "n FILE COUNT".
ca_held_count() {
  for ca_f; do
    printf 'f %s\nn %s\n' "$ca_f" "$(grep -c -e '^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----' "$ca_f")"
  done
}

# ca_held_ssh FILE...: of a line of keys "a FILE", then "k FLAGS TYPE BLOB"; of known hosts "h hashed|plain MARKER TYPE" and how many.
ca_held_ssh() {
  awk '
    function flags(s,   out) { gsub(/"[^"]*"/, "", s); out = "-"
      if ("," s "," ~ /[, ]cert-authority[, ]/) out = out "cert-authority,"
      if (s ~ /^@cert-authority/) out = out "cert-authority,"
      return out }
    FNR == 1 { base = FILENAME; sub(/.*\//, "", base); hosts = base ~ /known_hosts/; lines = 0
      if ($0 ~ /^SSHKRL/) { print "r " FILENAME; krl = 1 } else { print "a " FILENAME; krl = 0 } }
    krl || /^[ \t]*(#|$)/ { next }
    { sub(/\r$/, ""); at = 0
      for (i = 1; i < NF; i++) if ($i ~ /^(sk-|webauthn-sk-)?(ssh|ecdsa)-[a-z0-9@.-]+$/ && $(i + 1) ~ /^AAAA[A-Za-z0-9+\/]+=*$/) { at = i; break }
      if (!at) next
      if (hosts) { mark = $1 ~ /^@(cert-authority|revoked)$/ ? $1 : "-"; name = mark == "-" ? $1 : $2
        count[FILENAME " " (name ~ /^\|1\|/ ? "hashed" : "plain") " " mark " " $at]++; next }
      if (++lines > 5000) next
      head = ""; for (i = 1; i < at; i++) head = head $i " "
      print "k " flags(head) " " $at " " $(at + 1) }
    END { for (one in count) print "h " count[one] " " one }' "$@"
}

# ca_held_keys FILE...: of each file with a private key that is not encrypted "p FILE" and its public half: "pem BASE64" or "ssh TYPE BLOB".
ca_held_keys() {
  ca_keys=$(grep -l -e '^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----' "$@")
  ca_lines ca_held_public "$ca_keys"
}

ca_held_public() {
  for ca_f; do
    if ca_held_late; then printf 'late %s\n' "$ca_f" && continue; fi
    printf 'p %s\n' "$ca_f"
    if grep -q -e '^-----BEGIN OPENSSH' "$ca_f"; then
      # On a pipe, for ssh-keygen refuses a file that others can read.
      head -c 65536 "$ca_f" | timeout -s KILL 5 ssh-keygen -y -P '' -f /dev/stdin | awk '$2 ~ /^AAAA[A-Za-z0-9+\/]+=*$/ { print "ssh " $1 " " $2; exit }'
    else
      timeout -s KILL 5 openssl pkey -in "$ca_f" -passin pass: -pubout </dev/null | ca_held_base64 "PUBLIC KEY" pem
    fi
  done
}

# ca_held_base64 KIND WORD: "WORD BASE64" of each PEM block of that kind.
ca_held_base64() {
  awk -v kind="$1" -v word="$2" '$0 == "-----BEGIN " kind "-----" { on = 1; text = ""; next } /^-----/ { if (on) print word " " text; on = 0 }
    on && /^[A-Za-z0-9+\/]+=*$/ { text = text $0 }'
}

# ca_held_binary FILE...: what is no PEM, by its first bytes: a certificate, a key, PKCS#12, JKS, JCEKS.  "x FILE KIND open|locked".
ca_held_binary() {
  ca_lines ca_held_magic "$(grep -L -e '^-----BEGIN ' "$@" | head -n 300)"
}

ca_held_magic() {
  command -v od >/dev/null 2>&1 || return 0
  for ca_f; do
    if ca_held_late; then printf 'late %s\n' "$ca_f" && continue; fi
    ca_hex=$(od -An -v -tx1 -N 16 "$ca_f" | tr -d ' \n')
    case $ca_hex in
      feedfeed*) printf 'x %s\njks locked\n' "$ca_f" ;;
      cececece*) printf 'x %s\njceks locked\n' "$ca_f" ;;
      3082????02010330* | 3081??02010330* | 308002010330*) printf 'x %s\npkcs12 ' "$ca_f" && ca_held_pkcs12 "$ca_f" ;;
      3082????020100* | 3081??020100* | 30??020100* | 30770201*) printf 'x %s\nkey plain\n' "$ca_f" && ca_held_der pkey "$ca_f" -passin pass: -pubout | ca_held_base64 "PUBLIC KEY" pem ;;
      3082????3082* | 3082????3081*) printf 'x %s\ncertificate plain\n' "$ca_f" && ca_held_der x509 "$ca_f" | ca_held_base64 CERTIFICATE cert ;;
      3082????30??06092a864886f70d010[5c]* | 3081??30??06092a864886f70d010[5c]*) printf 'x %s\nkey encrypted\n' "$ca_f" ;;
    esac
  done
}

ca_held_der() {
  ca_verb=$1 ca_what=$2
  shift 2
  timeout -s KILL 5 openssl "$ca_verb" -inform DER -in "$ca_what" "$@" </dev/null
}

# ca_held_pkcs12 FILE: whether an empty password opens it, and then its certificates and its key's public half.
ca_held_pkcs12() {
  if timeout -s KILL 5 openssl pkcs12 -in "$1" -passin pass: -noout </dev/null; then
    printf 'open\n'
    timeout -s KILL 5 openssl pkcs12 -in "$1" -passin pass: -nokeys </dev/null | ca_held_base64 CERTIFICATE cert
    timeout -s KILL 5 openssl pkcs12 -in "$1" -passin pass: -nocerts -nodes </dev/null |
      timeout -s KILL 5 openssl pkey -passin pass: -pubout | ca_held_base64 "PUBLIC KEY" pem
  else
    printf 'locked\n'
  fi
}

# ca_held_verify FILE...: "b COUNT PATH" of the bundle, "v FILE" for each chain that ends in it, "w FILE" for each that does not.
ca_held_verify() {
  ca_bundle=$(for ca_f in $ca_bundles; do if [ -r "$ca_f" ]; then printf '%s\n' "$ca_f" && break; fi; done)
  [ -n "$ca_bundle" ] || return 0
  printf 'b %s %s\n' "$(grep -c -e '^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----' "$ca_bundle")" "$ca_bundle"
  case $(openssl verify -help 2>&1) in *no_check_time*) ;; *) return 0 ;; esac
  ca_lines ca_held_chains "$(grep -l -e '^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----' "$@" | head -n 400)"
}

ca_held_chains() {
  for ca_f; do
    if [ "$ca_f" = "$(readlink -f "$ca_bundle")" ]; then continue; fi
    if ca_held_late; then printf 'late %s\n' "$ca_f" && continue; fi
    # Only the bundle counts: not a folder in which a package may have put what it made itself.
    if SSL_CERT_DIR=/var/empty SSL_CERT_FILE=/dev/null timeout -s KILL 5 openssl verify -no_check_time -CAfile "$ca_bundle" -untrusted "$ca_f" "$ca_f" >/dev/null; then
      printf 'v %s\n' "$ca_f"
    else
      printf 'w %s\n' "$ca_f"
    fi
  done
}

# ca_held_others: who renews, and which configuration names a file that was found, or a key in a token.
ca_held_others() {
  printf '\001T\n'
  for ca_t in $ca_things; do
    for ca_f in ${ca_t#*=}; do
      if [ -e "$ca_f" ]; then printf '%s %s\n' "${ca_t%%=*}" "$(ca_name "$ca_f")" && break; fi
    done
  done
  printf '\001U\n'
  [ ! -d /run/systemd/system ] || timeout -s KILL 10 systemctl list-unit-files --no-legend --no-pager '*.timer' | awk '{ print $1, $2 }'
  printf '\001R\n'
  timeout -s KILL 10 sed -n "s/^cert_file=\(\/.*\)/certmonger \1/p; s/^Le_Real[A-Za-z]*Path='\(\/.*\)'/acme.sh \1/p" /var/lib/certmonger/requests/* /root/.acme.sh/*/*.conf | head -n 500
  printf '\001G\n'
  ca_naming=$(ca_lines ca_held_naming "$(timeout -s KILL 20 find /etc -xdev -maxdepth 4 -type f -size -513 ! -path '*[[:cntrl:]]*' | head -n 3000)")
  printf '%s\n' "$ca_naming"
  printf '\001N\n'
  ca_lines ca_held_pins "$(printf '%s\n' "$ca_naming" | sed -n 's/^.* pin-source://p' | sort -u)"
}

# ca_held_pins FILE...: who can read it, and no more of it, for the digest of a PIN is as good as the PIN.
ca_held_pins() {
  for ca_f; do [ ! -f "$ca_f" ] || stat -L -c '%a/%U/%G/%n' "$ca_f"; done
}

# ca_held_naming FILE...: "FILE:LINE PATH" for each path that was found; of a PKCS#11 URI neither PIN nor query, but where its PIN is:
# "FILE:LINE pin-source:PATH", "FILE:LINE pin-value:".
ca_held_naming() {
  { printf 'x\n%s\n' "$ca_all$ca_nl$ca_links"; } | awk '
    NR == FNR { want[$0] = 1; folder = $0; sub(/\/[^\/]*$/, "", folder); if (folder != "/etc/ssl/certs") inside[folder] = 1; next }
    /^[ \t]*[#;]/ { next }
    { line = $0
      while (match(line, /\/[A-Za-z0-9_.@+\/-]+/)) { p = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH); sub(/\/$/, "", p)
        if (p in want) print FILENAME ":" FNR " " p; else if (p in inside && p ~ /\/.*\//) print FILENAME ":" FNR " " p "/" }
      line = $0
      while (match(line, /pkcs11:[A-Za-z0-9;=%._~?\/:@&+-]+/)) { p = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
        if (p ~ /[;?&]pin-value=/) print FILENAME ":" FNR " pin-value:"
        if (match(p, /[;?&]pin-source=(file:)?\/[^;&?]*/)) { q = substr(p, RSTART, RLENGTH); sub(/[^\/]*/, "", q); print FILENAME ":" FNR " pin-source:" q }
        sub(/[?].*/, "", p); gsub(/;?pin-(value|source)=[^;]*/, "", p); sub(/;+$/, "", p)
        if (p ~ /=/) print FILENAME ":" FNR " " p } }' - "$@" | head -n 2000
}

# ca_held_links: links in the folders that hold nothing else; a configuration may name those.
ca_held_links() {
  ca_in=$(for ca_f in $ca_whole; do [ ! -d "$ca_f" ] || printf '%s\n' "$ca_f"; done)
  # shellcheck disable=SC2086 # folders of ours, without blanks
  timeout -s KILL 10 find -H $ca_in -xdev -maxdepth 4 -type l ! -path '*[[:cntrl:]]*' ! -path '/etc/ssl/certs/*' -print
}

ca_held_real() {
  for ca_f; do [ ! -f "$ca_f" ] || printf '%s\n%s\n' "$ca_f" "$(readlink -f "$ca_f")"; done
}
