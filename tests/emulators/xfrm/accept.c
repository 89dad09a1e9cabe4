/* accept.so: an emulator of the part of the kernel that the lab lacks, for pluto alone: XFRM without ESP.  Preloaded into pluto, it turns the kernel's
 * refusals of what it cannot install (states and policies of IPsec) into consent, so that Child SAs come up, are rekeyed and listed.  No packet goes
 * through them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

static void consent(int fd, void *buffer, ssize_t length) {
  int protocol = -1;
  socklen_t size = sizeof protocol;
  struct nlmsghdr *head = buffer;
  if (length < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || head->nlmsg_type != NLMSG_ERROR) return;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0 || protocol != NETLINK_XFRM) return;
  struct nlmsgerr *said = NLMSG_DATA(head);
  switch (said->msg.nlmsg_type) {
    case XFRM_MSG_NEWSA: case XFRM_MSG_UPDSA: case XFRM_MSG_DELSA:
    case XFRM_MSG_NEWPOLICY: case XFRM_MSG_UPDPOLICY: case XFRM_MSG_DELPOLICY: said->error = 0;
  }
}

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *length) {
  static ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
  if (!real) real = (ssize_t(*)(int, void *, size_t, int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "recvfrom");
  ssize_t got = real(fd, buffer, size, flags, from, length);
  if (got > 0) consent(fd, buffer, got);
  return got;
}

ssize_t __recvfrom_chk(int fd, void *buffer, size_t size, size_t room, int flags, struct sockaddr *from, socklen_t *length) {
  return recvfrom(fd, buffer, size < room ? size : room, flags, from, length);
}
