/* Stands between the server and the C library's fsync() and fdatasync() (LD_PRELOAD), and lets a test say what becomes of
 * each sync. The test writes 64-bit numbers (in the machine's byte order) into the file SYNC_CONTROL, and reads the last:
 *
 *   what     0: nothing; 1: each sync fails with EIO, and is not done;
 *            2: the process is killed instead of a sync; 3: it is killed after a sync
 *   left     for 2 and 3: how many syncs are done as usual before that one
 *   which    0: all syncs; 1: only those of the journal's files; the others are done as usual
 *   journal  how many syncs of the journal's files were asked for
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static volatile uint64_t none[4];
static volatile uint64_t *control = none;

__attribute__((constructor)) static void prepare(void) {
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("SYNC_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) control = shared;
        close(file);
    }
}

static int is_journal(int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    char *name = strrchr(path, '/');
    return name && strncmp(name, "/journal-", 9) == 0;
}

static int perhaps(int (*sync)(int), int fd) {
    int journal = is_journal(fd);
    if (journal) __atomic_fetch_add(&control[3], 1, __ATOMIC_SEQ_CST);
    uint64_t what = control[2] == 0 || journal ? control[0] : 0;
    if (what == 1) {
        errno = EIO;
        return -1;
    }
    int last = what >= 2 && __atomic_fetch_sub(&control[1], 1, __ATOMIC_SEQ_CST) == 0;
    if (last && what == 2) kill(getpid(), SIGKILL);
    int result = sync(fd);
    if (last && what == 3) kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd) { return perhaps(real_fsync, fd); }
int fdatasync(int fd) { return perhaps(real_fdatasync, fd); }
