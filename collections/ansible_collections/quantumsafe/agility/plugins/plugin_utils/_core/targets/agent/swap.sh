# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# swap.sh: from the file as it is to the file as it shall be, and back.  The way back is a rename of the original inode that waits beside
# the target under a dot-name: same content, owner, mode, times, ACL, xattr, and it needs no free block.
# A line of "changes": number kind before after mode owner group source path; "-" = nothing.  A create with a source brings back what was removed.

# ca_change_of LINE: its words by name; ca_old and ca_fresh are what waits beside the target, ca_source what a rollback brings back.
ca_change_of() {
  ca_file=/${1#* /}
  set -f
  # shellcheck disable=SC2086 # the fields of one line; the path is taken from the line itself
  set -- $1
  set +f
  ca_i=$1 ca_kind=$2 ca_before=$3 ca_after=$4 ca_mode=$5 ca_owner_of=$6 ca_group=$7 ca_from=$8
  ca_dir=${ca_file%/*}
  ca_old=$ca_dir/.${ca_file##*/}.ca-$ca_tid.old ca_fresh=$ca_dir/.${ca_file##*/}.ca-$ca_tid.new
  ca_source=$ca_state/tx/${ca_from%/*}/old/${ca_from#*/}
}

# ca_keep FIRST COUNT|-: lines of the original, byte for byte; ca_whole holds it, for tail cannot tell through a pipe that it failed to read.
ca_keep() {
  case $1:$2 in
    1:-) ca_put "$ca_whole" ;;
    *:-) ca_put "$ca_whole" | tail -n "+$1" ;;
    1:*) ca_put "$ca_whole" | head -n "$2" ;;
    *) ca_put "$ca_whole" | tail -n "+$1" | head -n "$2" ;;
  esac
}

# ca_put TEXT: without a process, whose arguments are limited; mksh has no printf of its own.
case ${KSH_VERSION-} in *MIRBSD*) ca_put() { print -rn -- "$1"; } ;; *) ca_put() { printf '%s' "$1"; } ;; esac

# ca_preflight: everything that would have to stop the swap half-way stops it here.
ca_preflight() {
  ca_dirs='' ca_list=''
  ca_each ca_preflight_one "$ca_changes" && ca_lines ca_preflight_all "$ca_list" && ca_lines ca_probe "$ca_dirs"
}

# ca_preflight_one LINE: what needs no process.
ca_preflight_one() {
  ca_change_of "$1"
  [ -d "$ca_dir" ] || { ca_error refused-target "$ca_dir is not there"; return 1; }
  case $ca_nl$ca_dirs in *"$ca_nl$ca_dir$ca_nl"*) ;; *) ca_dirs=$ca_dirs$ca_dir$ca_nl ;; esac
  if [ "$ca_kind" = create ]; then
    if [ -e "$ca_file" ] || [ -h "$ca_file" ]; then ca_error changed "$ca_file exists now"; return 1; fi
  else
    [ -f "$ca_file" ] || { ca_error changed "$ca_file is gone or no file"; return 1; }
    [ ! -h "$ca_file" ] || { ca_error refused-target "$ca_file is a symbolic link now"; return 1; }
    ca_list=$ca_list$ca_file$ca_nl
  fi
  case $ca_kind:$ca_from in
    restore:* | create:*/*) [ -f "$ca_source" ] || { ca_error refused-target "the kept copy of $ca_file is gone"; return 1; } ;;
  esac
}

# ca_preflight_all FILE...: those that are there now.
ca_preflight_all() {
  ca_tell 'stat -c %h' "$@" || return 1
  for ca_f; do
    ca_told_of "$ca_told" "$ca_f"
    [ "$ca_v" = 1 ] || { ca_error refused-target "$ca_f has other hard links"; return 1; }
  done
  # The kernel writes a blank as \040 there.
  ca_v=$(CA_FILES=$ca_list awk 'BEGIN { for (n = split(ENVIRON["CA_FILES"], path, "\n"); n; n--) is[path[n]] }
    { p = $5; gsub(/\\040/, " ", p) } p in is { found = p } END { print found }' /proc/self/mountinfo) || return 1
  [ -z "$ca_v" ] || { ca_error refused-target "$ca_v is a mount point"; return 1; }
  ca_digests "$@" && ca_each ca_preflight_text "$ca_changes"
}

# ca_preflight_text LINE: it is what the plan was made for, and can be copied.
ca_preflight_text() {
  ca_change_of "$1"
  [ "$ca_kind" != create ] || return 0
  ca_digest_of "$ca_file"
  [ "$ca_before" = - ] || [ "$ca_v" = "$ca_before" ] || { ca_error changed "$ca_file changed since the plan was made"; return 1; }
  [ "$ca_kind" != edit ] || ca_copies "$ca_file"
}

# ca_probe FOLDER...: can names be made and removed there?  What is read-only, immutable or append-only says no before anything changed.
ca_probe() {
  ca_v=$(lsattr -d "$@" 2>/dev/null)
  ca_lines ca_probe_flags "$ca_v" || return 1
  ca_n=$#
  while [ "$ca_n" -gt 0 ]; do
    ca_try=$1/.ca-$ca_tid.try
    { true >"$ca_try"; } 2>/dev/null || { ca_error refused-target "$1 cannot be written (read-only file system, or immutable)"; return 1; }
    shift
    set -- "$@" "$ca_try"
    ca_n=$((ca_n - 1))
  done
  rm -f "$@" 2>/dev/null && return 0
  for ca_f; do
    [ ! -e "$ca_f" ] || { ca_error refused-target "${ca_f%/*} lets nothing be removed (append-only?): remove $ca_f by hand"; return 1; }
  done
}

# ca_probe_flags LINE...: what lsattr says, flags first.
ca_probe_flags() {
  for ca_v; do
    case ${ca_v%% *} in *[ai]*) ca_error refused-target "${ca_v#* } is immutable or append-only (chattr)"; return 1 ;; esac
  done
}

# ca_know_cp: which cp this is, in ca_cp_is, and how it copies with all, in ca_all.
ca_know_cp() {
  [ -z "${ca_all-}" ] || return 0
  ca_cp_is='' ca_all=-a
  case $(cp --help 2>&1) in *BusyBox*) ca_cp_is=busybox ;; *--preserve*) ca_all=--preserve=xattr ;; esac
}

# ca_copies FILE: whether a copy of it is as good as itself.  The cp of busybox keeps neither attributes nor ACL, so it may copy only what is
# known to have none.
ca_copies() {
  ca_know_cp
  [ "$ca_cp_is" = busybox ] || return 0
  case $(stat -f -c %T "$1") in msdos | vfat | exfat | ramfs) return 0 ;; esac # these have none
  if ! command -v getfattr >/dev/null 2>&1; then
    ca_error refused-target "$1 may have attributes or an ACL, which the cp of busybox loses: install getfattr (package attr), or coreutils"
  elif ! ca_v=$(getfattr -h -m - "$1" 2>/dev/null) || [ -n "$ca_v" ]; then
    ca_error refused-target "$1 has attributes or an ACL, which the cp of busybox loses: install coreutils"
  fi
}

# ca_cp FROM TO: with all that FROM carries, or not at all.  With -a alone the cp of GNU says nothing of an attribute that it could not write
# (coreutils manual, cp invocation: errors of xattr count only where it is named), and that of busybox nothing of owner, mode and time.
ca_cp() {
  ca_know_cp
  cp -a "$ca_all" "$1" "$2" && ca_v=$(stat -c '%u %g %a %Y' "$1" "$2") && [ "$ca_v" = "${ca_v%%"$ca_nl"*}$ca_nl${ca_v%%"$ca_nl"*}" ]
}

# ca_snapshot LINE: keep the original inode beside the target, and for a later rollback under our own folder.
ca_snapshot() {
  ca_change_of "$1"
  [ "$ca_kind" != create ] || return 0
  ln "$ca_file" "$ca_old" || ca_error refused-target "$ca_file cannot be linked (immutable, or a file system without hard links)" || return 1
  ln "$ca_file" "$ca_tx/old/$ca_i" 2>/dev/null || ca_cp "$ca_file" "$ca_tx/old/$ca_i" || return 1
  ca_later "$ca_tx/old/$ca_i" "$ca_dir"
}

# ca_stage: the new files are whole, and what they become is written down.
ca_stage() {
  ca_list='' ca_sums=$ca_nl
  ca_each ca_stage_one "$ca_changes" && ca_lines ca_digests "$ca_list" && ca_each ca_staged "$ca_changes"
}

# ca_stage_one LINE: write the new file beside the target, with the metadata of the old one.
ca_stage_one() {
  ca_change_of "$1"
  ca_n=$ca_fresh
  case $ca_kind:$ca_from in
    edit:*)
      ca_whole=$(cat "$ca_file" && printf .) || return 1
      ca_whole=${ca_whole%.}
      ca_cp "$ca_file" "$ca_n" && ca_label "$ca_file" && "ca_build_$ca_i" >"$ca_n" || return 1
      ;;
    create:-)
      ca_whole=''
      (umask 077 && "ca_build_$ca_i" >"$ca_n") && chown "$ca_owner_of:$ca_group" "$ca_n" && chmod "$ca_mode" "$ca_n" && ca_label "$ca_dir" || return 1
      ;;
    # The kept inode itself, with all that it carries; its other name goes when this is confirmed.
    restore:* | create:*) ln "$ca_source" "$ca_n" 2>/dev/null || { ca_copies "$ca_source" && ca_cp "$ca_source" "$ca_n"; } || return 1 ;;
    remove:*) return 0 ;;
  esac
  ca_list=$ca_list$ca_n$ca_nl
  ca_later "$ca_n" "$ca_dir"
}

# ca_staged LINE: of a file that it saw redacted the controller cannot tell what it becomes; a later rollback needs to know.
ca_staged() {
  ca_change_of "$1"
  [ "$ca_kind" != remove ] || return 0
  ca_digest_of "$ca_fresh"
  [ -n "$ca_v" ] && printf '%s\n' "$ca_v" >"$ca_tx/after.$ca_i" || return 1
  if [ "$ca_after" != - ] && [ "$ca_v" != "$ca_after" ]; then
    ca_error refused-stage "$ca_file would not become what was planned"
    return 1
  fi
  ca_later "$ca_tx/after.$ca_i"
}

# ca_label PATH: the staged file gets its SELinux label; cp -a of busybox keeps none.
ca_label() {
  [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$1" "$ca_n"
}

# ca_let_go LINE: what a rollback restored is in its place again, and no longer kept for another.
ca_let_go() {
  ca_change_of "$1"
  [ "$ca_kind" != remove ] && [ "$ca_from" != - ] && [ -e "$ca_source" ] && [ "$(stat -c %h "$ca_source")" != 1 ] || return 0
  rm -f "$ca_source" && ca_sync "${ca_source%/*}"
}

# ca_untouched LINE: nobody else changed it since it was looked at.
ca_untouched() {
  ca_change_of "$1"
  if [ "$ca_kind" = create ]; then
    if [ ! -e "$ca_file" ] && [ ! -h "$ca_file" ]; then return 0; fi
  elif [ -f "$ca_file" ] && [ ! -h "$ca_file" ]; then
    ca_digest_of "$ca_file"
    if [ "$ca_before" = - ] || [ "$ca_v" = "$ca_before" ]; then return 0; fi
  fi
  ca_error changed "$ca_file was changed by someone else meanwhile"
}

# ca_swap_all: nothing is put in place unless all is as it was.
ca_swap_all() {
  ca_digest_targets
  ca_each ca_untouched "$ca_changes" && ca_each ca_swap "$ca_changes"
}

# ca_swap LINE: put it in place.  Journal first, and with it the swap before: a crash between two lines reverts.
ca_swap() {
  ca_change_of "$1"
  ca_record SWAPPING "$ca_i/$ca_of_all" || return 1
  if [ "$ca_kind" = remove ]; then rm -f "$ca_file" || return 1; else mv -f "$ca_fresh" "$ca_file" || return 1; fi
  ca_later "$ca_dir"
}

# ca_unswap LINE: bring the original back; safe to repeat at any point.  What failed is in ca_bad.
ca_unswap() {
  ca_change_of "$1"
  ca_record REVERTING "$ca_i/$ca_of_all" # on a disk without room the way back is worth more than its line
  # What still waits under its dot-name was never put in place: what stands there is as it was, or somebody else's.
  # What could not be put back keeps waiting for the next try.
  if { [ -e "$ca_fresh" ] || ca_put_back; } && rm -f "$ca_fresh" "$ca_old" && ca_sync "$ca_dir"; then
    return 0
  fi
  ca_bad="$ca_bad $ca_file"
}

# ca_put_back: ca_file as it was.
ca_put_back() {
  if [ "$ca_kind" = create ]; then
    ca_keep_theirs
    rm -f "$ca_file"
    return
  fi
  if [ ! -e "$ca_old" ] && [ -e "$ca_tx/old/$ca_i" ] && [ "$(ca_digest "$ca_tx/old/$ca_i")" != "$(ca_digest "$ca_file" 2>/dev/null)" ]; then
    # Someone removed what waited beside it; our own folder has it, too.
    ln "$ca_tx/old/$ca_i" "$ca_old" 2>/dev/null || ca_cp "$ca_tx/old/$ca_i" "$ca_old" || { rm -f "$ca_old"; return 1; }
  fi
  # One and the same inode was not taken away yet; mv would call that an error.
  if [ -e "$ca_old" ] && [ "$(stat -c %d:%i "$ca_old")" != "$(stat -c %d:%i "$ca_file" 2>/dev/null)" ]; then
    ca_keep_theirs
    mv -f "$ca_old" "$ca_file" || return 1
  fi
  [ "$ca_before" = - ] || [ "$(ca_digest "$ca_file")" = "$ca_before" ]
}

# ca_keep_theirs: what somebody made of the new file meanwhile is not thrown away.  Without room for its name it is: the way back comes first.
ca_keep_theirs() {
  [ -f "$ca_file" ] || return 0
  ca_now=$(ca_digest "$ca_file")
  ca_get "after.$ca_i"
  if [ "$ca_now" = "$ca_before" ] || [ "$ca_now" = "$ca_v" ] || [ -e "$ca_tx/theirs.$ca_i" ]; then return 0; fi
  { ln "$ca_file" "$ca_tx/theirs.$ca_i" || cp -a "$ca_file" "$ca_tx/theirs.$ca_i"; } 2>/dev/null || return 0
  ca_reason="${ca_reason-}; $ca_file had been changed meanwhile, that is $ca_tx/theirs.$ca_i"
}

# ca_tidy: nothing of ours stays beside the targets, nor comes back when the power goes.  Twice, for a fault that passes.
ca_tidy() {
  ca_sweep || ca_sweep || ca_error tidy "cannot remove what is left beside the files in $(ca_lines echo "$ca_dirs")"
}

ca_sweep() {
  ca_list='' ca_dirs=''
  ca_each ca_litter "$ca_changes"
  ca_lines rm "-f$ca_nl$ca_list" && ca_lines ca_sync "$ca_dirs"
}

ca_litter() {
  ca_change_of "$1"
  [ -d "$ca_dir" ] || return 0
  [ ! -e "$ca_dir/.ca-$ca_tid.try" ] || rm -f "$ca_dir/.ca-$ca_tid.try" 2>/dev/null # an append-only folder keeps it, and was refused for it
  ca_list=$ca_list$ca_old$ca_nl$ca_fresh$ca_nl ca_dirs=$ca_dirs$ca_dir$ca_nl
}
