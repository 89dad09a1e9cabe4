# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# packets.sh: a ping through a tunnel while its ends move, five a second, which ends by itself.  It is told, and decides nothing.

# ca_inner: the addresses of this host.
ca_inner() {
  printf '\001A\n'
  if command -v ip >/dev/null 2>&1; then
    ca_bounded 10 ip -o addr show 2>/dev/null | awk '$3 ~ /^inet/ { sub(/\/.*/, "", $4); print $4 }' | head -n 500
  fi
}

# ca_ping_start NUMBER FROM TO SECONDS: what comes of it is one line in a file: sent, lost, the longest row of lost ones; or "- why".  The last
# packet may be on its way at the end.  ping of busybox counts from 0.  One whose controller was lost writes into a file that is gone.
ca_ping_start() {
  ca_f=$ca_state/ping-$1
  if ! command -v ping >/dev/null 2>&1; then
    printf '\001G - no ping on this host\n'
  elif { mkdir -p "$ca_state" && rm -f "$ca_f" "$ca_f.pid" && : >"$ca_f"; } 2>/dev/null; then
    sh -c "$ca_pinger" - "$2" "$3" "$4" "$(($4 * 5))" "$ca_f" "$ca_packets" </dev/null >/dev/null 2>&1 3>&- 4>&- &
    printf '\001G\n'
  else
    printf '\001G - cannot write %s\n' "$ca_f"
  fi
}

# ca_ping_stop NUMBER: it ends, and what came of it.
ca_ping_stop() {
  ca_f=$ca_state/ping-$1 ca_p='' ca_tries=0
  { read -r ca_p <"$ca_f.pid"; } 2>/dev/null || :
  case $(tr '\000' ' ' 2>/dev/null <"/proc/${ca_p:-none}/cmdline") in *ping*"-i 0.2"*) kill -INT "$ca_p" ;; esac
  until [ -s "$ca_f" ] || [ "$ca_tries" -ge 3 ]; do
    sleep 1
    ca_tries=$((ca_tries + 1))
  done
  printf '\001G %s\n' "$(ca_line "$(head -n 1 "$ca_f" 2>/dev/null)")"
  rm -f "$ca_f" "$ca_f.pid"
}

# In a shell of its own, for a subshell would keep what this one has open, and who asked would wait for it.
# shellcheck disable=SC2016 # it is expanded where it runs
ca_pinger='
{
  LC_ALL=C ping -n -i 0.2 -c "$4" -w "$3" -I "$1" "$2" 2>&1 &
  echo "$!" >"$5.pid"
  wait
} | awk "$6" >"$5"'

# What ping says, summed up.
# shellcheck disable=SC2016 # it is awk's
ca_packets='
/bytes from/ && match($0, /seq=[0-9]+/) {
  n = substr($0, RSTART + 4, RLENGTH - 4) + ($0 !~ /icmp_seq=/)
  if (n in back) next
  back[n] = 1; got++
  if (n - last - 1 > gap) gap = n - last - 1
  if (n > last) last = n
}
/packets transmitted/ { sent = $1 }
/^ping:/ { why = $0 }
END {
  if (sent == "") { print "- " (why == "" ? "ping said nothing" : why); exit }
  if (sent - last == 1) sent--
  if (sent - last > gap) gap = sent - last
  print sent, sent - got, gap + 0
}'
