# shellcheck shell=bash
# images.sh: build the image tarballs with mmdebstrap (cached in the state folder) and import them into podman.

image_digest() { # NAME -> digest of everything its content depends on
  { image_recipe "$1"; echo "$LAB_USER_PASSWORD $LAB_ROOT_PASSWORD"; cat "$HERE/image-setup.sh"; declare -f image_build; } |
    sha256sum | cut -c1-12
}

image_ref() { echo "localhost/lab/$1:$(image_digest "$1")"; }

# The machine's own apt sources say where packages come from; nothing about that is written down here.
apt_sources() { # SUITE -> sources.list
  local uri suite main='' security='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  while read -r uri suite; do
    case $suite in
      *-security | */updates) security=${security:-$uri} ;;
      *-updates | *-backports) ;;
      *) [[ ${uri%/} == */debian ]] && main=${main:-$uri} ;;
    esac
  done < <(apt-get indextargets --format "\$(REPO_URI) \$(RELEASE)" 'Created-By: Packages' 2> /dev/null)
  [[ $main ]] || die "this machine's apt sources name no Debian archive; add one (apt sources with main) and run 'lab up' again"
  echo "deb [signed-by=$keyring] $main $1 main"
  if [[ $security ]]; then echo "deb [signed-by=$keyring] $security $1-security main"; fi
}

image_build() { # NAME TARBALL
  local name=$1 out=$2 recipe suite work=$STATE/build/$1
  read -ra recipe < <(image_recipe "$name")
  suite=${recipe[0]}
  mkdir -p "$work"
  apt_sources "$suite" > "$work/sources.list"
  rm -f "$STATE/images/$name-"????????????.tar "$work/part.tar"
  # shellcheck disable=SC2016  # the hooks' $1 is mmdebstrap's
  DEBIAN_FRONTEND=noninteractive mmdebstrap --variant=minbase \
    --include="$(IFS=,; echo "${recipe[*]:1}")" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --customize-hook='cp "$LAB_HERE/image-setup.sh" "$1/root/image-setup.sh"' \
    --customize-hook='chroot "$1" sh /root/image-setup.sh "$LAB_USER_PASSWORD" "$LAB_ROOT_PASSWORD"' \
    --customize-hook='rm "$1/root/image-setup.sh"' \
    "$suite" "$work/part.tar" "$work/sources.list" > "$STATE/logs/build-$name.log" 2>&1 || return 1
  mv "$work/part.tar" "$out"
  rm -rf "$work"
}

images_build() { # NAME...: build what the cache lacks, two at a time
  local name out missing=() failed=0
  for name in "$@"; do
    out=$STATE/images/$name-$(image_digest "$name").tar
    [[ -s $out ]] || missing+=("$name" "$out")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  export LAB_HERE=$HERE LAB_USER_PASSWORD LAB_ROOT_PASSWORD
  local started=$SECONDS pid pids=()
  set -- "${missing[@]}"
  while [[ $# -gt 0 ]]; do
    [[ ${#pids[@]} -lt 2 ]] || wait "${pids[-2]}" || :
    say "building image $1 from packages (about a minute; log: $STATE/logs/build-$1.log)"
    image_build "$1" "$2" 9>&- &
    pids+=("$!")
    shift 2
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  [[ $failed == 0 ]] || die "an image could not be built: $(tail -n 1 "$STATE"/logs/build-*.log | grep -m1 '^E:' || echo "see $STATE/logs/build-*.log")"
  say "images built in $((SECONDS - started)) s"
}

image_whole() { # REF: there, and with all its layers (an import that was killed leaves a name without them)
  in_ns podman image exists "$1" && in_ns podman image mount "$1" > /dev/null 2>&1 && in_ns podman image unmount "$1" > /dev/null
}

image_import() { # NAME
  local name=$1 ref
  ref=$(image_ref "$name")
  image_whole "$ref" && return 0
  in_ns podman rmi -f "$ref" > /dev/null 2>&1 || :
  say "importing image $name"
  in_ns podman import -q -c 'CMD ["/sbin/init"]' -c 'STOPSIGNAL SIGRTMIN+3' \
    "$STATE/images/$name-$(image_digest "$name").tar" "$ref" > /dev/null &&
    in_ns podman tag "$ref" "localhost/lab/$name:latest"
}

images_import() { # NAME...
  local name wiped=''
  for name in "$@"; do
    image_import "$name" || return 1
    if ! image_whole "$(image_ref "$name")" && [[ ! $wiped ]]; then
      say "the image store is damaged (a killed import): making it anew"
      storage_wipe
      wiped=yes
      images_import "$@"
      return
    fi
  done
}

storage_wipe() { # every image and container of the lab's own store; the tarballs stay
  in_ns podman rm -fa -t 0 > /dev/null 2>&1 || :
  in_ns podman rmi -fa > /dev/null 2>&1 || :
  # shellcheck disable=SC2016  # the inner shell expands it
  in_ns sh -c 'umount "$1"/overlay/*/merged "$1"/overlay 2>/dev/null; rm -rf "$1"' _ "$STATE/storage"
  mkdir -p "$STATE/storage"
}

images_prune() { # imported images that no recipe makes any more; one still in use stays until next time
  local name ref keep=()
  for name in "${IMAGES[@]}" "${ON_DEMAND[@]}"; do keep+=("$(image_ref "$name")" "localhost/lab/$name:latest"); done
  for ref in $(in_ns podman images --format '{{.Repository}}:{{.Tag}}' | grep '^localhost/lab/'); do
    [[ " ${keep[*]} " == *" $ref "* ]] || in_ns podman rmi "$ref" > /dev/null 2>&1 || :
  done
}
