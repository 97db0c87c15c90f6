/* Stands between the server and the C library's fsync() and fdatasync() (LD_PRELOAD), and lets a test say what becomes of
 * each sync. The test writes 64-bit numbers (in the machine's byte order) into the file SYNC_CONTROL, and reads `journal`:
 *
 *   what     0: nothing; 1: each sync fails, and is not done;
 *            2: the process is killed instead of a sync; 3: it is killed after a sync
 *   left     for 1: the error's number; for 2 and 3: how many syncs are done as usual before that one
 *   which    0: all syncs; 1: only those of the journal's files; the others are done as usual
 *   journal  how many syncs of the journal's files were asked for
 *   power    1: the end is one of the power: before it everything that was written to the journal and the database since
 *            the last sync of its file is taken back. Killed alone, a process leaves all of it with the system.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static volatile uint64_t none[5];
static volatile uint64_t *control = none;

__attribute__((constructor)) static void prepare(void) {
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_pwrite = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    const char *path = getenv("SYNC_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) control = shared;
        close(file);
    }
}

/* The file's path, and where its name begins. */
static char *name_of(int fd, char path[4096]) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    path[length > 0 ? length : 0] = 0;
    char *name = strrchr(path, '/');
    return name ? name + 1 : path;
}

static int is_journal(int fd) {
    char path[4096];
    return strncmp(name_of(fd, path), "journal-", 8) == 0;
}

/* What a write has replaced, the newest first, until its file is synced. */
struct replaced {
    struct replaced *before;
    struct stat file;
    char *path;
    off64_t at;
    ssize_t length;
    char bytes[];
};
static struct replaced *replaced;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void remember(int fd, off64_t at, size_t length) {
    char path[4096], *name = name_of(fd, path);
    int counts = strncmp(name, "journal-", 8) == 0 || strcmp(name, "kanca.db") == 0 || strcmp(name, "kanca.db-wal") == 0;
    struct replaced *one = counts ? malloc(sizeof *one + length) : NULL;
    if (!one) return;
    *one = (struct replaced){.before = replaced, .path = strdup(path), .at = at};
    fstat(fd, &one->file);
    one->length = pread64(fd, one->bytes, length, at);
    replaced = one;
}

static void forget(int fd) {
    struct stat file;
    if (fstat(fd, &file) != 0) return;
    for (struct replaced **place = &replaced; *place;) {
        struct replaced *one = *place;
        if (one->file.st_ino == file.st_ino && one->file.st_dev == file.st_dev) {
            *place = one->before;
            free(one->path);
            free(one);
        } else {
            place = &one->before;
        }
    }
}

/* Nothing is written any more: the lock is kept. */
static void end(void) {
    pthread_mutex_lock(&lock);
    for (struct replaced *one = control[4] ? replaced : NULL; one; one = one->before) {
        struct stat now;
        int fd = open(one->path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &now) != 0 || now.st_ino != one->file.st_ino) continue;
        if (one->length > 0) real_pwrite(fd, one->bytes, one->length, one->at);
        if (now.st_size > one->file.st_size) (void)!ftruncate(fd, one->file.st_size);
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int perhaps(int (*sync)(int), int fd) {
    int journal = is_journal(fd);
    if (journal) __atomic_fetch_add(&control[3], 1, __ATOMIC_SEQ_CST);
    uint64_t what = control[2] == 0 || journal ? control[0] : 0;
    if (what == 1) {
        errno = (int)control[1];
        return -1;
    }
    int last = what >= 2 && __atomic_fetch_sub(&control[1], 1, __ATOMIC_SEQ_CST) == 0;
    if (last && what == 2) end();
    pthread_mutex_lock(&lock);
    int result = sync(fd);
    if (result == 0) forget(fd);
    pthread_mutex_unlock(&lock);
    if (last && what == 3) end();
    return result;
}

int fsync(int fd) { return perhaps(real_fsync, fd); }
int fdatasync(int fd) { return perhaps(real_fdatasync, fd); }

ssize_t write(int fd, const void *bytes, size_t n) {
    off64_t at = control[4] ? lseek64(fd, 0, SEEK_CUR) : -1;
    if (at < 0) return real_write(fd, bytes, n);
    pthread_mutex_lock(&lock);
    remember(fd, at, n);
    ssize_t result = real_write(fd, bytes, n);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    if (!control[4]) return real_pwrite(fd, bytes, n, at);
    pthread_mutex_lock(&lock);
    remember(fd, at, n);
    ssize_t result = real_pwrite(fd, bytes, n, at);
    pthread_mutex_unlock(&lock);
    return result;
}
