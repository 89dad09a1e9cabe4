# shellcheck shell=bash
# certs.sh: the lab's keys: one ssh key for the controller, host keys and certificates for each host. Made once, kept
# in the state folder, so that a reset host is the host that it was.

make_ca() {
  local ca=$STATE/ca
  if ! openssl x509 -checkend $((400 * 86400)) -noout -in "$ca/ca.crt" > /dev/null 2>&1 || [[ ! -s $ca/ca.key ]]; then
    rm -rf "$ca" "$STATE"/hosts/*/tls
    mkdir -p "$ca"
    openssl ecparam -name prime256v1 -genkey -noout -out "$ca/ca.key"
    openssl req -x509 -new -key "$ca/ca.key" -sha256 -days 3650 -subj '/O=Quantumsafe lab/CN=Lab root' \
      -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
      -out "$ca/ca.crt" || die "openssl could not make the lab CA in $ca"
    chmod 600 "$ca/ca.key"
  fi
}

make_certificate() { # HOST ec|rsa
  local dir=$STATE/hosts/$1/tls name=$2 usage=serverAuth sans
  if [[ $1 == tun-* ]]; then usage+=,clientAuth; fi
  openssl x509 -checkend $((30 * 86400)) -noout -in "$dir/$name.crt" > /dev/null 2>&1 && [[ -s $dir/$name.key ]] && return 0
  mkdir -p "$dir"
  sans="DNS:$1,IP:$(host_address "$1")$(host_names "$1" | sed 's/^/,DNS:/' | tr -d '\n')"
  if [[ $name == ec ]]; then
    openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$name.key"
  else
    openssl genrsa -out "$dir/$name.key" 2048 2> /dev/null
  fi || return 1
  chmod 600 "$dir/$name.key"
  openssl req -new -key "$dir/$name.key" -subj "/O=Quantumsafe lab/CN=$1" -out "$dir/$name.csr" &&
    openssl x509 -req -in "$dir/$name.csr" -CA "$STATE/ca/ca.crt" -CAkey "$STATE/ca/ca.key" -sha256 -days 800 \
      -set_serial "0x$(openssl rand -hex 12)" -out "$dir/$name.crt" -extfile <(
        printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=%s\n' "$sans" "$usage"
      ) 2> /dev/null && rm "$dir/$name.csr"
}

make_tunnel_keys() { # what tun-a and tun-b know of each other: two WireGuard pairs of raw X25519 keys, a preshared key, OpenVPN's static key
  local dir=$STATE/tunnel host
  [[ -s $dir/static.key ]] && return 0
  mkdir -p "$dir" || return 1
  for host in tun-a tun-b; do
    openssl genpkey -algorithm X25519 -out "$dir/$host.pem" &&
      openssl pkey -in "$dir/$host.pem" -outform DER | tail -c 32 | base64 > "$dir/$host.key" &&
      openssl pkey -in "$dir/$host.pem" -pubout -outform DER | tail -c 32 | base64 > "$dir/$host.pub" && rm "$dir/$host.pem" || return 1
  done
  openssl rand -base64 32 > "$dir/psk"
  {
    echo '-----BEGIN OpenVPN Static key V1-----'
    openssl rand -hex 256 | fold -w 32
    echo '-----END OpenVPN Static key V1-----'
  } > "$dir/static.key"
}

make_host_keys() { # HOST
  local dir=$STATE/hosts/$1/ssh kind
  mkdir -p "$dir"
  for kind in ed25519 ecdsa rsa; do
    [[ -s $dir/ssh_host_${kind}_key.pub ]] && continue
    rm -f "$dir/ssh_host_${kind}_key"
    ssh-keygen -q -t "$kind" -N '' -C "root@$1" -f "$dir/ssh_host_${kind}_key" || return 1
  done
}

make_controller_key() {
  [[ -s $STATE/id_ed25519.pub ]] && return 0
  rm -f "$STATE/id_ed25519"
  ssh-keygen -q -t ed25519 -N '' -C quantumsafe-lab -f "$STATE/id_ed25519"
}

known_hosts() { # HOST... -> lines of a known_hosts file
  local host key
  for host in "$@"; do
    for key in "$STATE/hosts/$host/ssh"/*.pub; do
      echo "$(host_address "$host"),$host $(cut -d' ' -f1,2 "$key")"
    done
  done
}
