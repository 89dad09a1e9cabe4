/* tracer: number the file-system calls of a whole process tree, and make call number N fail, or kill everything there.

   Why ptrace with a seccomp filter: strace's when= counts each process by itself; a preloaded library does not reach static busybox and
   cannot number calls across processes without a lock of its own.  The filter stops a process only at the calls below, so a run is
   nearly as fast as without us, and ptrace(2) reaches every binary, static or not, and every child, also one in a new session.

   tracer [-u FOLDER]... [-e FOLDER]... [-c LETTERS] [-n N -f FAULT] [-l LOG] [-a IN,OUT] -- COMMAND...
     -u  count only calls on paths under FOLDER          -e  programs from FOLDER, and what they start, are not counted (fakes)
     -c  which calls count: a allocating, m other writes, r reads, s stat and access     -l  one line a counted call
     -f  enospc eio: the call fails; full: so does every later allocating call but renames; torn: half of a write happens, its next one fails;
         kill: before the call every process of the tree dies; ask: before the call wait for a byte   -a  after each counted call wait for a byte
   Exit code: that of COMMAND; 250 killed by us; 251 trouble of our own.  x86-64 only. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#ifndef __x86_64__
#error "the tracer knows the registers of x86-64 only"
#endif

/* d, p: argument numbers of a folder descriptor and of a path, -1 = none; a second pair for two paths. */
static const struct call { long nr; const char *name; char kind; int d, p, d2, p2; } calls[] = {
#define AT(d, p) d, p, -1, -1
#define PATH(p) -1, p, -1, -1
#define FD(d) d, -1, -1, -1
  {SYS_open, "open", 'o', PATH(0)}, {SYS_creat, "creat", 'a', PATH(0)}, {SYS_openat, "openat", 'o', AT(0, 1)},
  {SYS_write, "write", 'a', FD(0)}, {SYS_pwrite64, "pwrite64", 'a', FD(0)}, {SYS_writev, "writev", 'a', FD(0)},
  {SYS_copy_file_range, "copy_file_range", 'a', FD(2)}, {SYS_sendfile, "sendfile", 'a', FD(0)}, {SYS_ioctl, "ficlone", 'c', FD(0)},
  {SYS_rename, "rename", 'a', -1, 0, -1, 1}, {SYS_renameat, "renameat", 'a', 0, 1, 2, 3}, {SYS_renameat2, "renameat2", 'a', 0, 1, 2, 3},
  {SYS_link, "link", 'a', -1, 0, -1, 1}, {SYS_linkat, "linkat", 'a', 0, 1, 2, 3}, {SYS_symlink, "symlink", 'a', PATH(1)},
  {SYS_symlinkat, "symlinkat", 'a', AT(1, 2)}, {SYS_mkdir, "mkdir", 'a', PATH(0)}, {SYS_mkdirat, "mkdirat", 'a', AT(0, 1)},
  {SYS_mknod, "mknod", 'a', PATH(0)}, {SYS_mknodat, "mknodat", 'a', AT(0, 1)}, {SYS_fallocate, "fallocate", 'a', FD(0)},
  {SYS_setxattr, "setxattr", 'a', PATH(0)}, {SYS_lsetxattr, "lsetxattr", 'a', PATH(0)}, {SYS_fsetxattr, "fsetxattr", 'a', FD(0)},
  {SYS_fsync, "fsync", 'a', FD(0)}, {SYS_fdatasync, "fdatasync", 'a', FD(0)}, {SYS_syncfs, "syncfs", 'a', FD(0)}, {SYS_sync, "sync", 'm', -1, -1, -1, -1},
  {SYS_unlink, "unlink", 'm', PATH(0)}, {SYS_unlinkat, "unlinkat", 'm', AT(0, 1)}, {SYS_rmdir, "rmdir", 'm', PATH(0)},
  {SYS_chmod, "chmod", 'm', PATH(0)}, {SYS_fchmod, "fchmod", 'm', FD(0)}, {SYS_fchmodat, "fchmodat", 'm', AT(0, 1)},
  {SYS_chown, "chown", 'm', PATH(0)}, {SYS_lchown, "lchown", 'm', PATH(0)}, {SYS_fchown, "fchown", 'm', FD(0)}, {SYS_fchownat, "fchownat", 'm', AT(0, 1)},
  {SYS_utime, "utime", 'm', PATH(0)}, {SYS_utimes, "utimes", 'm', PATH(0)}, {SYS_utimensat, "utimensat", 'm', AT(0, 1)},
  {SYS_truncate, "truncate", 'm', PATH(0)}, {SYS_ftruncate, "ftruncate", 'm', FD(0)}, {SYS_removexattr, "removexattr", 'm', PATH(0)},
  {SYS_lremovexattr, "lremovexattr", 'm', PATH(0)}, {SYS_fremovexattr, "fremovexattr", 'm', FD(0)},
  {SYS_read, "read", 'r', FD(0)}, {SYS_pread64, "pread64", 'r', FD(0)}, {SYS_getdents64, "getdents64", 'r', FD(0)},
  {SYS_readlink, "readlink", 'r', PATH(0)}, {SYS_readlinkat, "readlinkat", 'r', AT(0, 1)},
  {SYS_stat, "stat", 's', PATH(0)}, {SYS_lstat, "lstat", 's', PATH(0)}, {SYS_newfstatat, "newfstatat", 's', AT(0, 1)}, {SYS_statx, "statx", 's', AT(0, 1)},
  {SYS_access, "access", 's', PATH(0)}, {SYS_faccessat, "faccessat", 's', AT(0, 1)}, {SYS_faccessat2, "faccessat2", 's', AT(0, 1)},
  {SYS_setsid, "setsid", 'd', -1, -1, -1, -1},
};
#define CALLS ((int)(sizeof calls / sizeof *calls))
#define MAX 8192

static struct task { pid_t pid; int exempt, exit_stop; } tasks[MAX];
static int task_count, ask_in = -1, ask_out = -1, unders, exempts;
static const char *under[32], *exempt[8], *letters = "am", *fault = "";
static long number, wanted = -1;
static pid_t torn;
static FILE *out;

static void die(const char *what) { perror(what); exit(251); }

static struct task *task_of(pid_t pid) {
  for (int i = 0; i < task_count; i++) if (tasks[i].pid == pid) return &tasks[i];
  if (task_count == MAX) { errno = ENOMEM; die("tasks"); }
  char name[64], line[256];
  int parent = 0, inherits = 0;
  snprintf(name, sizeof name, "/proc/%d/status", pid); /* a child is as exempt as its parent, which is stopped in fork just now */
  FILE *f = fopen(name, "r");
  while (f && fgets(line, sizeof line, f)) if (sscanf(line, "PPid: %d", &parent) == 1) break;
  if (f) fclose(f);
  for (int i = 0; i < task_count; i++) if (tasks[i].pid == parent) inherits = tasks[i].exempt;
  tasks[task_count] = (struct task){pid, inherits, 0};
  return &tasks[task_count++];
}

static void forget(pid_t pid) { for (int i = 0; i < task_count; i++) if (tasks[i].pid == pid) { tasks[i] = tasks[--task_count]; return; } }

static int counted_tasks(void) { int n = 0; for (int i = 0; i < task_count; i++) n += !tasks[i].exempt; return n; }

static void peek(pid_t pid, unsigned long at, char *to, size_t size) { /* a string of that process, page by page */
  size_t got = 0;
  while (got < size - 1) {
    size_t piece = 4096 - (at + got) % 4096;
    if (piece > size - 1 - got) piece = size - 1 - got;
    struct iovec local = {to + got, piece}, remote = {(void *)(at + got), piece};
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)piece) break;
    if (memchr(to + got, 0, piece)) return;
    got += piece;
  }
  to[got] = 0;
}

static unsigned long argument(const struct user_regs_struct *r, int i) {
  return i == 0 ? r->rdi : i == 1 ? r->rsi : i == 2 ? r->rdx : i == 3 ? r->r10 : i == 4 ? r->r8 : r->r9;
}

static void where(pid_t pid, const struct user_regs_struct *r, int d, int p, char *to, size_t size) {
  char link[64], path[4096] = "";
  *to = 0;
  if (p >= 0 && argument(r, p)) peek(pid, argument(r, p), path, sizeof path);
  if (*path == '/') { snprintf(to, size, "%s", path); return; }
  if (d < 0 && p < 0) return;
  if (d < 0 || (p >= 0 && (int)argument(r, d) == AT_FDCWD)) snprintf(link, sizeof link, "/proc/%d/cwd", pid);
  else snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)argument(r, d));
  ssize_t n = readlink(link, to, size - 1);
  to[n < 0 ? 0 : n] = 0;
  if (*path) { size_t used = strlen(to); snprintf(to + used, size - used, "/%s", path); }
}

static int below(const char *path) {
  for (int i = 0; i < unders; i++) { size_t n = strlen(under[i]); if (!strncmp(path, under[i], n) && (!path[n] || path[n] == '/')) return 1; }
  return 0;
}

static void put(const char *s) { for (; *s; s++) { if (*s == '\n' || *s == '\t' || *s == '\\') fputc('\\', out); fputc(*s == '\n' ? 'n' : *s == '\t' ? 't' : *s, out); } }

static void handshake(const char *text) {
  char c;
  if (write(ask_out, text, strlen(text)) < 0 || read(ask_in, &c, 1) != 1) die("handshake");
}

static void fail(pid_t pid, struct user_regs_struct *r, int error) {
  r->orig_rax = -1;
  r->rax = -error;
  if (ptrace(PTRACE_SETREGS, pid, 0, r)) die("setregs");
}

/* One stop of the filter.  Returns 1 when the exit of the call is wanted, too. */
static int at_call(struct task *t) {
  struct user_regs_struct r;
  unsigned long index;
  if (ptrace(PTRACE_GETREGS, t->pid, 0, &r) || ptrace(PTRACE_GETEVENTMSG, t->pid, 0, &index)) return 0;
  const struct call *c = &calls[index];
  if (c->kind == 'd') t->exempt = 1; /* a daemon of its own session goes on beside us */
  if (t->exempt || c->kind == 'd') return 0;
  if (c->kind == 'c' && argument(&r, 1) != 0x40049409) return 0; /* FICLONE */
  static char first[8192], second[8192], text[128], comm[64], name[64];
  where(t->pid, &r, c->d, c->p, first, sizeof first);
  where(t->pid, &r, c->d2, c->p2, second, sizeof second);
  if (!below(first) && !below(second) && c->nr != SYS_sync) return 0;
  if (c->nr == SYS_sync) { /* would write out the disks of everybody on this machine */
    r.orig_rax = -1;
    r.rax = 0;
    if (ptrace(PTRACE_SETREGS, t->pid, 0, &r)) die("setregs");
  }
  char kind = c->kind == 'c' ? 'a' : c->kind;
  if (kind == 'o') { unsigned long flags = argument(&r, c->p + 1); kind = flags & O_CREAT ? 'a' : flags & (O_TRUNC | O_WRONLY | O_RDWR) ? 'm' : 'r'; }
  if (t->pid == torn && c->nr == SYS_write) { torn = 0; fail(t->pid, &r, ENOSPC); return 0; }
  if (!strchr(letters, kind)) return 0;
  int full = wanted > 0 && number >= wanted && !strcmp(fault, "full") && kind == 'a' && !strstr(c->name, "rename") && !strstr(c->name, "sync");
  number++;
  *text = *comm = 0;
  if (c->nr == SYS_write) { size_t n = r.rdx < sizeof text - 1 ? r.rdx + 1 : sizeof text; peek(t->pid, r.rsi, text, n); }
  snprintf(name, sizeof name, "/proc/%d/comm", t->pid);
  FILE *f = fopen(name, "r");
  if (f) { if (fgets(comm, sizeof comm, f)) comm[strcspn(comm, "\n")] = 0; fclose(f); }
  if (out) {
    fprintf(out, "%ld\t%c\t%s\t%s\t", number, kind, comm, c->name);
    put(first); fputc('\t', out); put(*text ? text : second); fputc('\n', out);
    fflush(out);
  }
  if (number == wanted || full) {
    if (!strcmp(fault, "kill")) {
      for (int i = 0; i < task_count; i++) if (!tasks[i].exempt) kill(tasks[i].pid, SIGKILL);
      return -1;
    }
    if (!strcmp(fault, "ask")) handshake("?\n");
    else if (!strcmp(fault, "torn") && c->nr == SYS_write && r.rdx > 1) {
      r.rdx /= 2;
      if (ptrace(PTRACE_SETREGS, t->pid, 0, &r)) die("setregs");
      torn = t->pid;
    } else if (strcmp(fault, "full") || full) fail(t->pid, &r, !strcmp(fault, "eio") ? EIO : ENOSPC);
  }
  return ask_out >= 0 && strcmp(fault, "ask");
}

static void note_exec(struct task *t) {
  char name[64], words[4096];
  snprintf(name, sizeof name, "/proc/%d/cmdline", t->pid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
  if (fd >= 0) close(fd);
  words[n < 0 ? 0 : n] = 0;
  for (ssize_t at = 0, word = 0; at < n && word < 2; word++, at += (ssize_t)strlen(words + at) + 1)
    for (int i = 0; i < exempts; i++) if (!strncmp(words + at, exempt[i], strlen(exempt[i]))) t->exempt = 1;
}

static void child(char **argv) {
  struct sock_filter code[2 * CALLS + 4];
  int n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < CALLS; i++) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | i);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)n, code};
  raise(SIGSTOP); /* until we are seized */
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)))
    die("seccomp");
  execvp(*argv, argv);
  die(*argv);
}

int main(int argc, char **argv) {
  int option, status = 0, code = 251, killed = 0;
  while ((option = getopt(argc, argv, "+u:e:c:n:f:l:a:")) != -1) switch (option) {
    case 'u': if (unders < 32) under[unders++] = optarg; break;
    case 'e': if (exempts < 8) exempt[exempts++] = optarg; break;
    case 'c': letters = optarg; break;
    case 'n': wanted = atol(optarg); break;
    case 'f': fault = optarg; break;
    case 'l': if (!(out = fopen(optarg, "we"))) die(optarg); break;
    case 'a': if (sscanf(optarg, "%d,%d", &ask_in, &ask_out) == 2) break; /* fall through */
    default: return 251;
  }
  if (ask_out >= 0) { fcntl(ask_in, F_SETFD, FD_CLOEXEC); fcntl(ask_out, F_SETFD, FD_CLOEXEC); }
  pid_t first = fork();
  if (!first) child(argv + optind);
  waitpid(first, &status, WUNTRACED);
  if (ptrace(PTRACE_SEIZE, first, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
      PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) die("seize");
  task_of(first);
  kill(first, SIGCONT);
  while (counted_tasks()) { /* what is exempt and still runs dies with us */
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) break;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (pid == first) code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      forget(pid);
      continue;
    }
    struct task *t = task_of(pid);
    int signal = WSTOPSIG(status), event = status >> 16, how = PTRACE_CONT;
    if (event == PTRACE_EVENT_SECCOMP) {
      int more = killed ? 0 : at_call(t);
      if (more < 0) { killed = 1; continue; }
      if (more) { t->exit_stop = 1; how = PTRACE_SYSCALL; }
      signal = 0;
    } else if (event == PTRACE_EVENT_STOP) {
      if (signal != SIGTRAP) how = PTRACE_LISTEN; /* a group stop stays one */
      signal = 0;
    } else if (event) {
      if (event == PTRACE_EVENT_EXEC) note_exec(t);
      signal = 0;
    } else if (signal == (SIGTRAP | 0x80)) {
      if (t->exit_stop) { t->exit_stop = 0; char text[32]; snprintf(text, sizeof text, "%ld\n", number); handshake(text); }
      signal = 0;
    }
    ptrace(how, pid, 0, how == PTRACE_LISTEN ? 0 : signal);
  }
  if (out) fclose(out);
  return killed ? 250 : code;
}
