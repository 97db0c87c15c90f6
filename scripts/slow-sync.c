/* Makes each sync to disk take longer, below the storage layer: loaded with LD_PRELOAD it stands between a program and
 * the C library's fsync() and fdatasync(), does the real sync, and then waits. `scripts/slow-sync` and `kanca bench
 * --sync-delay-ms` compile and load it.
 *
 * SLOW_SYNC_US     microseconds to wait after each sync; 0 or absent: none
 * SLOW_SYNC_COUNT  an existing file of at least 8 bytes, in which the number of syncs is counted (64 bits, in the
 *                  machine's byte order); it holds the number even when the program is killed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static struct timespec delay;
static uint64_t own_count;
static uint64_t *count = &own_count;

__attribute__((constructor)) static void prepare(void) {
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *text = getenv("SLOW_SYNC_US");
    long micros = text ? strtol(text, NULL, 10) : 0;
    if (micros > 0) {
        delay.tv_sec = micros / 1000000;
        delay.tv_nsec = micros % 1000000 * 1000;
    }
    const char *path = getenv("SLOW_SYNC_COUNT");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) count = shared;
        close(file);
    }
}

static int slowly(int (*sync)(int), int fd) {
    int result = sync(fd), error = errno;
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    struct timespec left = delay;
    while ((left.tv_sec || left.tv_nsec) && nanosleep(&left, &left) != 0 && errno == EINTR) {}
    errno = error;
    return result;
}

int fsync(int fd) { return slowly(real_fsync, fd); }
int fdatasync(int fd) { return slowly(real_fdatasync, fd); }
