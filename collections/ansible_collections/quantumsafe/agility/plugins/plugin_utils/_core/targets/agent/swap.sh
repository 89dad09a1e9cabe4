# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# swap.sh: from the file as it is to the file as it shall be, and back.  The way back is a rename of the original inode that waits beside
# the target under a dot-name: same content, owner, mode, times, ACL, xattr, and it needs no free block.
# A line of "changes": number kind before after mode owner group source path; "-" = nothing.  A create with a source brings back what was removed.

ca_old() { printf '%s/.%s.ca-%s.old' "${1%/*}" "${1##*/}" "$ca_tid"; }
ca_fresh() { printf '%s/.%s.ca-%s.new' "${1%/*}" "${1##*/}" "$ca_tid"; }

# ca_change_of LINE: its words by name.
ca_change_of() {
  ca_file=/${1#* /}
  set -f
  # shellcheck disable=SC2086 # the fields of one line; the path is taken from the line itself
  set -- $1
  set +f
  ca_i=$1 ca_kind=$2 ca_before=$3 ca_after=$4 ca_mode=$5 ca_owner_of=$6 ca_group=$7 ca_from=$8
}

# ca_keep FIRST COUNT|-: lines of the original, byte for byte; ca_whole holds it, for tail cannot tell through a pipe that it failed to read.
ca_keep() {
  if [ "$2" = - ]; then ca_put "$ca_whole" | tail -n "+$1"; else ca_put "$ca_whole" | tail -n "+$1" | head -n "$2"; fi
}

# ca_put TEXT: without a process, whose arguments are limited; mksh has no printf of its own.
case ${KSH_VERSION-} in *MIRBSD*) ca_put() { print -rn -- "$1"; } ;; *) ca_put() { printf '%s' "$1"; } ;; esac

# ca_preflight LINE: everything that would have to stop the swap half-way stops it here.
ca_preflight() {
  ca_change_of "$1"
  ca_dir=${ca_file%/*}
  [ -d "$ca_dir" ] || { ca_error refused-target "$ca_dir is not there"; return 1; }
  if [ "$ca_kind" = create ]; then
    if [ -e "$ca_file" ] || [ -h "$ca_file" ]; then ca_error changed "$ca_file exists now"; return 1; fi
  else
    [ -f "$ca_file" ] || { ca_error changed "$ca_file is gone or no file"; return 1; }
    [ ! -h "$ca_file" ] || { ca_error refused-target "$ca_file is a symbolic link now"; return 1; }
    [ "$(stat -c %h "$ca_file")" = 1 ] || { ca_error refused-target "$ca_file has other hard links"; return 1; }
    # The kernel writes a blank as \040 there.
    CA_FILE=$ca_file awk '{ p = $5; gsub(/\\040/, " ", p) } p == ENVIRON["CA_FILE"] { found = 1 } END { exit found }' /proc/self/mountinfo ||
      { ca_error refused-target "$ca_file is a mount point"; return 1; }
    if [ "$ca_before" != - ] && [ "$(ca_digest "$ca_file")" != "$ca_before" ]; then
      ca_error changed "$ca_file changed since the plan was made"
      return 1
    fi
  fi
  case $ca_kind:$ca_from in
    edit:*) ca_copies "$ca_file" || return 1 ;;
    restore:* | create:*/*) [ -f "$ca_state/tx/${ca_from%/*}/old/${ca_from#*/}" ] || { ca_error refused-target "the kept copy of $ca_file is gone"; return 1; } ;;
  esac
  ca_probe
}

# ca_probe: can names be made, linked and removed in ca_dir?  What is read-only, immutable or append-only says no before anything changed.
ca_probe() {
  ca_v=$(lsattr -d "$ca_dir" 2>/dev/null)
  case ${ca_v%% *} in *[ai]*) ca_error refused-target "$ca_dir is immutable or append-only (chattr)"; return 1 ;; esac
  ca_try=$ca_dir/.ca-$ca_tid.try
  (: >"$ca_try") 2>/dev/null || { ca_error refused-target "$ca_dir cannot be written (read-only file system, or immutable)"; return 1; }
  rm -f "$ca_try" 2>/dev/null || { ca_error refused-target "$ca_dir lets nothing be removed (append-only?): remove $ca_try by hand"; return 1; }
  if [ "$ca_kind" != create ]; then
    ln "$ca_file" "$ca_try" 2>/dev/null || { ca_error refused-target "$ca_file cannot be linked (immutable, or a file system without hard links)"; return 1; }
    rm -f "$ca_try" || { ca_error refused-target "cannot remove $ca_try"; return 1; }
  fi
}

# ca_copies FILE: whether a copy of it is as good as itself.  The cp of busybox keeps neither attributes nor ACL, so it may copy only what is
# known to have none.
ca_copies() {
  case $(cp --help 2>&1) in *BusyBox*) ;; *) return 0 ;; esac
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
  if [ -z "${ca_all-}" ]; then
    case $(cp --help 2>&1) in *--preserve*) ca_all=--preserve=xattr ;; *) ca_all=-a ;; esac
  fi
  cp -a "$ca_all" "$1" "$2" && [ "$(stat -c '%u %g %a %Y' "$1")" = "$(stat -c '%u %g %a %Y' "$2")" ]
}

# ca_snapshot LINE: keep the original inode beside the target, and for a later rollback under our own folder.
ca_snapshot() {
  ca_change_of "$1"
  [ "$ca_kind" != create ] || return 0
  ln "$ca_file" "$(ca_old "$ca_file")" || return 1
  ln "$ca_file" "$ca_tx/old/$ca_i" 2>/dev/null || ca_cp "$ca_file" "$ca_tx/old/$ca_i" || return 1
  ca_sync "$ca_tx/old/$ca_i" "${ca_file%/*}"
}

# ca_stage LINE: write the new file beside the target, with the metadata of the old one.
ca_stage() {
  ca_change_of "$1"
  ca_n=$(ca_fresh "$ca_file")
  case $ca_kind:$ca_from in
    edit:*)
      ca_whole=$(cat "$ca_file" && printf .) || return 1
      ca_whole=${ca_whole%.}
      ca_cp "$ca_file" "$ca_n" && ca_label "$ca_file" && "ca_build_$ca_i" >"$ca_n" || return 1
      ;;
    create:-)
      ca_whole=''
      (umask 077 && "ca_build_$ca_i" >"$ca_n") && chown "$ca_owner_of:$ca_group" "$ca_n" && chmod "$ca_mode" "$ca_n" && ca_label "${ca_file%/*}" || return 1
      ;;
    # The kept inode itself, with all that it carries; its other name goes when this is confirmed.
    restore:* | create:*) ln "$(ca_kept)" "$ca_n" 2>/dev/null || { ca_copies "$(ca_kept)" && ca_cp "$(ca_kept)" "$ca_n"; } || return 1 ;;
    remove:*) return 0 ;;
  esac
  # Of a file that it saw redacted the controller cannot tell what it becomes; a later rollback needs to know.
  ca_made=$(ca_digest "$ca_n")
  [ -n "$ca_made" ] && printf '%s\n' "$ca_made" >"$ca_tx/after.$ca_i" || return 1
  if [ "$ca_after" != - ] && [ "$ca_made" != "$ca_after" ]; then
    ca_error refused-stage "$ca_file would not become what was planned"
    return 1
  fi
  ca_sync "$ca_n" "${ca_file%/*}" "$ca_tx/after.$ca_i"
}

ca_kept() { printf '%s' "$ca_state/tx/${ca_from%/*}/old/${ca_from#*/}"; }

# ca_label PATH: the staged file gets its SELinux label; cp -a of busybox keeps none.
ca_label() {
  [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$1" "$ca_n"
}

# ca_let_go LINE: what a rollback restored is in its place again, and no longer kept for another.
ca_let_go() {
  ca_change_of "$1"
  [ "$ca_kind" != remove ] && [ "$ca_from" != - ] && [ -e "$(ca_kept)" ] && [ "$(stat -c %h "$(ca_kept)")" != 1 ] || return 0
  rm -f "$(ca_kept)" && ca_sync "$ca_state/tx/${ca_from%/*}/old"
}

# ca_untouched KIND BEFORE FILE: nobody else changed it since it was looked at.
ca_untouched() {
  if [ "$1" = create ]; then
    if [ ! -e "$3" ] && [ ! -h "$3" ]; then return 0; fi
  elif [ -f "$3" ] && [ ! -h "$3" ]; then
    if [ "$2" = - ] || [ "$(ca_digest "$3")" = "$2" ]; then return 0; fi
  fi
  ca_error changed "$3 was changed by someone else meanwhile"
}

# ca_swap LINE: put it in place.  Journal first: a crash between two lines reverts.
ca_swap() {
  ca_change_of "$1"
  ca_untouched "$ca_kind" "$ca_before" "$ca_file" || return 1
  ca_record SWAPPING "$ca_i/$ca_of_all" || return 1
  if [ "$ca_kind" = remove ]; then rm -f "$ca_file" || return 1; else mv -f "$(ca_fresh "$ca_file")" "$ca_file" || return 1; fi
  ca_sync "${ca_file%/*}"
}

# ca_unswap LINE: bring the original back; safe to repeat at any point.  What failed is in ca_bad.
ca_unswap() {
  ca_change_of "$1"
  ca_record REVERTING "$ca_i/$ca_of_all" # on a disk without room the way back is worth more than its line
  # What still waits under its dot-name was never put in place: what stands there is as it was, or somebody else's.
  # What could not be put back keeps waiting for the next try.
  if { [ -e "$(ca_fresh "$ca_file")" ] || ca_put_back; } && rm -f "$(ca_fresh "$ca_file")" "$(ca_old "$ca_file")" && ca_sync "${ca_file%/*}"; then
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
  if [ ! -e "$(ca_old "$ca_file")" ] && [ -e "$ca_tx/old/$ca_i" ] && [ "$(ca_digest "$ca_tx/old/$ca_i")" != "$(ca_digest "$ca_file" 2>/dev/null)" ]; then
    # Someone removed what waited beside it; our own folder has it, too.
    ln "$ca_tx/old/$ca_i" "$(ca_old "$ca_file")" 2>/dev/null || ca_cp "$ca_tx/old/$ca_i" "$(ca_old "$ca_file")" || { rm -f "$(ca_old "$ca_file")"; return 1; }
  fi
  # One and the same inode was not taken away yet; mv would call that an error.
  if [ -e "$(ca_old "$ca_file")" ] && [ "$(stat -c %d:%i "$(ca_old "$ca_file")")" != "$(stat -c %d:%i "$ca_file" 2>/dev/null)" ]; then
    ca_keep_theirs
    mv -f "$(ca_old "$ca_file")" "$ca_file" || return 1
  fi
  [ "$ca_before" = - ] || [ "$(ca_digest "$ca_file")" = "$ca_before" ]
}

# ca_keep_theirs: what somebody made of the new file meanwhile is not thrown away.  Without room for its name it is: the way back comes first.
ca_keep_theirs() {
  [ -f "$ca_file" ] || return 0
  ca_now=$(ca_digest "$ca_file")
  if [ "$ca_now" = "$ca_before" ] || [ "$ca_now" = "$(ca_get "after.$ca_i")" ] || [ -e "$ca_tx/theirs.$ca_i" ]; then return 0; fi
  { ln "$ca_file" "$ca_tx/theirs.$ca_i" || cp -a "$ca_file" "$ca_tx/theirs.$ca_i"; } 2>/dev/null || return 0
  ca_reason="${ca_reason-}; $ca_file had been changed meanwhile, that is $ca_tx/theirs.$ca_i"
}

# ca_tidy: nothing of ours stays beside the targets, nor comes back when the power goes.  Twice, for a fault that passes.
ca_tidy() {
  ca_each ca_tidy_one "$ca_changes" || ca_each ca_tidy_one "$ca_changes" || ca_error tidy "cannot remove what is left beside $ca_file"
}

ca_tidy_one() {
  ca_change_of "$1"
  [ -d "${ca_file%/*}" ] || return 0
  rm -f "${ca_file%/*}/.ca-$ca_tid.try" 2>/dev/null # an append-only folder keeps it, and was refused for it
  rm -f "$(ca_old "$ca_file")" "$(ca_fresh "$ca_file")" && ca_sync "${ca_file%/*}"
}
