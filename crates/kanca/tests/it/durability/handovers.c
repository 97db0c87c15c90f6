/* Stands between the server and the C library's calls on sockets (LD_PRELOAD), and kills the process at one of them. What
 * passes from hand to hand in memory cannot be seen from outside, but between any two of these calls and syncs (syncs.c) it
 * does: a request is read, its answer is written, a receiver is connected to, asked, and its answer read. The test writes
 * 64-bit numbers (in the machine's byte order) into the file HANDOVER_CONTROL:
 *
 *   which    0: none; else the kind of call, as `enum kind` says
 *   moment   0: instead of the call; 1: after it
 *   left     how many such calls are done as usual before that one
 *   port     only calls on connections with this port at the other end count; 0 = those on the server's own port, `own`
 *   own      the server's own port
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CONNECT = 1, WRITE = 2, READ = 3 };

static volatile uint64_t none[5];
static volatile uint64_t *control = none;
static int (*real_connect)(int, const struct sockaddr *, socklen_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_recv)(int, void *, size_t, int);
static ssize_t (*real_recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_readv)(int, const struct iovec *, int);

#define FIND(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void prepare(void) {
    FIND(connect); FIND(send); FIND(sendto); FIND(sendmsg); FIND(write); FIND(writev);
    FIND(recv); FIND(recvfrom); FIND(read); FIND(readv);
    const char *path = getenv("HANDOVER_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) control = shared;
        close(file);
    }
}

static uint64_t port_of(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) return ntohs(((const struct sockaddr_in *)address)->sin_port);
    if (address->sa_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return 0;
}

static int counts(enum kind kind, int fd) {
    if (control[0] != (uint64_t)kind) return 0;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int saved = errno;
    int known = control[3] != 0 ? getpeername(fd, (struct sockaddr *)&address, &length)
                                : getsockname(fd, (struct sockaddr *)&address, &length);
    errno = saved;
    return known == 0 && port_of((struct sockaddr *)&address) == (control[3] != 0 ? control[3] : control[4]);
}

/* Whether this call is the last thing that the process does. Reads that find nothing are no hand-over. */
static int last(void) { return __atomic_fetch_sub(&control[2], 1, __ATOMIC_SEQ_CST) == 0; }
static void end(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

#define AROUND(kind, fd, call)                                   \
    int counted = counts(kind, fd);                              \
    if (counted && control[1] == 0 && last()) end();             \
    ssize_t result = call;                                       \
    if (counted && control[1] == 1 && result > 0 && last()) end(); \
    return result

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int counted = control[0] == CONNECT && control[3] != 0 && port_of(address) == control[3];
    if (counted && control[1] == 0 && last()) end();
    int result = real_connect(fd, address, length);
    if (counted && control[1] == 1 && last()) end();
    return result;
}

ssize_t send(int fd, const void *bytes, size_t n, int flags) { AROUND(WRITE, fd, real_send(fd, bytes, n, flags)); }
ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t length) {
    AROUND(WRITE, fd, real_sendto(fd, bytes, n, flags, to, length));
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) { AROUND(WRITE, fd, real_sendmsg(fd, message, flags)); }
ssize_t write(int fd, const void *bytes, size_t n) { AROUND(WRITE, fd, real_write(fd, bytes, n)); }
ssize_t writev(int fd, const struct iovec *parts, int n) { AROUND(WRITE, fd, real_writev(fd, parts, n)); }
ssize_t recv(int fd, void *bytes, size_t n, int flags) { AROUND(READ, fd, real_recv(fd, bytes, n, flags)); }
ssize_t recvfrom(int fd, void *bytes, size_t n, int flags, struct sockaddr *from, socklen_t *length) {
    AROUND(READ, fd, real_recvfrom(fd, bytes, n, flags, from, length));
}
ssize_t read(int fd, void *bytes, size_t n) { AROUND(READ, fd, real_read(fd, bytes, n)); }
ssize_t readv(int fd, const struct iovec *parts, int n) { AROUND(READ, fd, real_readv(fd, parts, n)); }
