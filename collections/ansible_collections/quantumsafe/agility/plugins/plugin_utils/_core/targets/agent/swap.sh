# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # a part of one script; `make lint` checks the whole
# swap.sh: from the file as it is to the file as it shall be, and back.  The way back is a rename of the original inode that waits beside
# the target under a dot-name: same content, owner, mode, times, ACL, xattr, and it needs no free block.
# A line of "changes": number kind before after mode owner group source path; "-" = nothing.

ca_old() { printf '%s/.%s.ca-%s.old' "${1%/*}" "${1##*/}" "$ca_tid"; }
ca_fresh() { printf '%s/.%s.ca-%s.new' "${1%/*}" "${1##*/}" "$ca_tid"; }

# ca_keep FIRST COUNT|-: lines of the original, byte for byte.
ca_keep() {
  if [ "$2" = - ]; then tail -n "+$1" -- "$ca_source"; else tail -n "+$1" -- "$ca_source" | head -n "$2"; fi
}

# ca_preflight: everything that would have to stop the swap half-way stops it here.
ca_preflight() {
  while read -r _ ca_kind ca_before _ _ _ _ ca_from ca_file; do
    ca_dir=${ca_file%/*}
    [ -d "$ca_dir" ] || { ca_error refused-target "$ca_dir is not there"; return 1; }
    if [ "$ca_kind" = create ]; then
      if [ -e "$ca_file" ] || [ -h "$ca_file" ]; then ca_error changed "$ca_file exists now"; return 1; fi
    else
      [ -f "$ca_file" ] || { ca_error changed "$ca_file is gone or no file"; return 1; }
      [ ! -h "$ca_file" ] || { ca_error refused-target "$ca_file is a symbolic link now"; return 1; }
      [ "$(stat -c %h "$ca_file")" = 1 ] || { ca_error refused-target "$ca_file has other hard links"; return 1; }
      ! awk -v p="$ca_file" '$5 == p { found = 1 } END { exit !found }' /proc/self/mountinfo ||
        { ca_error refused-target "$ca_file is a mount point"; return 1; }
      if [ "$ca_before" != - ] && [ "$(ca_digest "$ca_file")" != "$ca_before" ]; then
        ca_error changed "$ca_file changed since the plan was made"
        return 1
      fi
    fi
    case $ca_kind in restore) [ -f "$ca_state/tx/${ca_from%/*}/old/${ca_from#*/}" ] || { ca_error refused-target "the kept copy of $ca_file is gone"; return 1; } ;; esac
    # Can it be linked and renamed here?  Read-only and immutable say no before anything changed.
    ca_try=$ca_dir/.ca-$ca_tid.try
    (: >"$ca_try") 2>/dev/null || { ca_error refused-target "$ca_dir cannot be written (read-only file system, or immutable)"; return 1; }
    rm -f "$ca_try"
    if [ "$ca_kind" != create ]; then
      ln "$ca_file" "$ca_try" 2>/dev/null || { ca_error refused-target "$ca_file cannot be linked (immutable, or a file system without hard links)"; return 1; }
      rm -f "$ca_try"
    fi
  done <"$ca_tx/changes"
}

# ca_snapshot: keep the original inode beside the target, and for a later rollback under our own folder.
ca_snapshot() {
  mkdir "$ca_tx/old" || return 1
  while read -r ca_i ca_kind _ _ _ _ _ _ ca_file; do
    [ "$ca_kind" != create ] || continue
    ln "$ca_file" "$(ca_old "$ca_file")" || return 1
    ln "$ca_file" "$ca_tx/old/$ca_i" 2>/dev/null || cp -a "$ca_file" "$ca_tx/old/$ca_i" || return 1
    ca_sync "$ca_tx/old/$ca_i" "${ca_file%/*}"
  done <"$ca_tx/changes"
  ca_sync "$ca_tx/old" "$ca_tx"
}

# ca_stage: write the new files beside the targets, with the metadata of the old ones.
ca_stage() {
  while read -r ca_i ca_kind _ ca_after ca_mode ca_owner ca_group ca_from ca_file; do
    ca_n=$(ca_fresh "$ca_file")
    case $ca_kind in
      edit)
        ca_source=$ca_file
        cp -a "$ca_file" "$ca_n" && "ca_build_$ca_i" >"$ca_n" || return 1
        ;;
      create)
        ca_source=/dev/null
        (umask 077 && "ca_build_$ca_i" >"$ca_n") && chown "$ca_owner:$ca_group" "$ca_n" && chmod "$ca_mode" "$ca_n" || return 1
        ;;
      restore) cp -a "$ca_state/tx/${ca_from%/*}/old/${ca_from#*/}" "$ca_n" || return 1 ;;
      remove) continue ;;
    esac
    # Of a file that it saw redacted the controller cannot tell what it becomes; a later rollback needs to know.
    ca_made=$(ca_digest "$ca_n")
    printf '%s\n' "$ca_made" >"$ca_tx/after.$ca_i" || return 1
    if [ "$ca_after" != - ] && [ "$ca_made" != "$ca_after" ]; then
      ca_error refused-stage "$ca_file would not become what was planned"
      return 1
    fi
    ca_sync "$ca_n" "${ca_file%/*}" "$ca_tx/after.$ca_i"
  done <"$ca_tx/changes"
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

# ca_swap: put everything in place.  Journal first: a crash between two lines reverts.
ca_swap() {
  ca_count=$(wc -l <"$ca_tx/changes")
  while read -r ca_i ca_kind ca_before _ _ _ _ _ ca_file; do
    ca_untouched "$ca_kind" "$ca_before" "$ca_file" || return 1
    ca_record SWAPPING "$ca_i/$((ca_count))" || return 1
    if [ "$ca_kind" = remove ]; then rm -f "$ca_file" || return 1; else mv -f "$(ca_fresh "$ca_file")" "$ca_file" || return 1; fi
    ca_sync "${ca_file%/*}"
  done <"$ca_tx/changes"
}

# ca_unswap: bring the originals back, the last one first; safe to repeat at any point.
ca_unswap() {
  ca_bad=
  ca_sorted=$(sort -rn "$ca_tx/changes")
  ca_ifs=$IFS
  IFS=$ca_nl
  for ca_line in $ca_sorted; do
    IFS=' '
    # shellcheck disable=SC2086 # the fields of one line; the path is taken from the line itself
    set -f && set -- $ca_line && set +f
    ca_kind=$2 ca_before=$3
    ca_file=/${ca_line#* /}
    # What still waits under its dot-name was never put in place: what stands there is as it was, or somebody else's.
    # What could not be put back keeps waiting for the next try.
    if [ -e "$(ca_fresh "$ca_file")" ] || ca_put_back "$1"; then
      rm -f "$(ca_fresh "$ca_file")" "$(ca_old "$ca_file")"
    else
      ca_bad="$ca_bad $ca_file"
    fi
    ca_sync "${ca_file%/*}"
    IFS=$ca_nl
  done
  IFS=$ca_ifs
  [ -z "$ca_bad" ]
}

# ca_put_back NUMBER: ca_file as it was.
ca_put_back() {
  case $ca_kind in
    create)
      rm -f "$ca_file"
      return
      ;;
    remove) [ ! -e "$ca_file" ] || return 0 ;; # not removed yet
  esac
  if [ -e "$(ca_old "$ca_file")" ]; then
    mv -f "$(ca_old "$ca_file")" "$ca_file" || return 1
  elif [ -e "$ca_tx/old/$1" ] && [ "$(ca_digest "$ca_tx/old/$1")" != "$(ca_digest "$ca_file" 2>/dev/null)" ]; then
    # Someone removed what waited beside it; our own folder has it, too.
    { ln "$ca_tx/old/$1" "$(ca_old "$ca_file")" 2>/dev/null || cp -a "$ca_tx/old/$1" "$(ca_old "$ca_file")"; } &&
      mv -f "$(ca_old "$ca_file")" "$ca_file" || return 1
  fi
  [ "$ca_before" = - ] || [ "$(ca_digest "$ca_file")" = "$ca_before" ]
}

# ca_tidy: nothing of ours stays beside the targets, nor comes back when the power goes.
ca_tidy() {
  [ -f "$ca_tx/changes" ] || return 0
  while read -r _ _ _ _ _ _ _ _ ca_file; do
    [ -d "${ca_file%/*}" ] || continue
    rm -f "$(ca_old "$ca_file")" "$(ca_fresh "$ca_file")" "${ca_file%/*}/.ca-$ca_tid.try"
    ca_sync "${ca_file%/*}"
  done <"$ca_tx/changes"
}
