/* The floor of bench/hop.py: what mmap and futex cost in C, with the same steps as a Vagus ring and no more.
 *
 *   hop_floor read  PATH BYTES COUNT            prints "ready", then "cpu_ns N", then one age [ns] a line
 *   hop_floor write PATH BYTES COUNT RATE_HZ    prints "cpu_ns N"
 *
 * One message is stamped, copied into a slot and announced by a futex; the reader sleeps on the futex, reads the clock
 * when it has the address of the newest message, and checks the slot's sequence before and after. x86-64 and ARM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 8, LINE = 64, SLOTS_AT = 4096 };

static char *base;
static size_t slot_bytes;

static int64_t clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static _Atomic uint32_t *head(void) { return (_Atomic uint32_t *)base; }

static _Atomic uint64_t *stamp_of(uint64_t sequence) {
    return (_Atomic uint64_t *)(base + SLOTS_AT + (sequence % SLOTS) * slot_bytes);
}

static int64_t *payload_of(uint64_t sequence) { return (int64_t *)((char *)stamp_of(sequence) + LINE); }

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void map_file(const char *path, size_t bytes) {
    slot_bytes = (LINE + bytes + LINE - 1) / LINE * LINE;
    size_t total = SLOTS_AT + SLOTS * slot_bytes;
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0) die(path);
    if ((errno = posix_fallocate(fd, 0, (off_t)total))) die("posix_fallocate");
    base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (base == MAP_FAILED) die("mmap");
}

static void write_all(size_t bytes, uint64_t count, double rate_hz) {
    int64_t *message = calloc(1, bytes), due = clock_ns(CLOCK_MONOTONIC), period = (int64_t)(1e9 / rate_hz);
    if (!message) die("calloc");
    for (uint64_t n = 1; n <= count; n++) {
        due += period;
        if (clock_ns(CLOCK_MONOTONIC) >= due) due = clock_ns(CLOCK_MONOTONIC) + period; /* no burst to catch up */
        struct timespec at = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL)) {
        }
        message[0] = clock_ns(CLOCK_MONOTONIC);
        atomic_store_explicit(stamp_of(n), 0, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        memcpy(payload_of(n), message, bytes);
        atomic_store_explicit(stamp_of(n), n, memory_order_release);
        atomic_store_explicit(head(), (uint32_t)n, memory_order_release);
        syscall(SYS_futex, head(), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

static size_t read_all(uint64_t count, int64_t *ages) {
    size_t seen = 0;
    uint32_t last = 0;
    const struct timespec timeout = {2, 0};
    while (last < count) {
        uint32_t newest = atomic_load_explicit(head(), memory_order_acquire);
        if (newest == last) {
            if (syscall(SYS_futex, head(), FUTEX_WAIT, last, &timeout, NULL, 0) && errno == ETIMEDOUT) break;
            continue;
        }
        last = newest;
        if (atomic_load_explicit(stamp_of(newest), memory_order_acquire) != newest) continue;
        const volatile int64_t *message = payload_of(newest);
        int64_t age = clock_ns(CLOCK_MONOTONIC) - message[0];
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(stamp_of(newest), memory_order_relaxed) == newest) ages[seen++] = age;
    }
    return seen;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: hop_floor read PATH BYTES COUNT | write PATH BYTES COUNT RATE_HZ\n");
        return 2;
    }
    size_t bytes = strtoul(argv[3], NULL, 10);
    uint64_t count = strtoull(argv[4], NULL, 10);
    map_file(argv[2], bytes);
    int64_t *ages = calloc(count, sizeof *ages);
    if (!ages) die("calloc");
    int is_writer = !strcmp(argv[1], "write") && argc == 6;
    if (!is_writer) {
        puts("ready");
        fflush(stdout);
    }
    int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    size_t seen = 0;
    if (is_writer)
        write_all(bytes, count, strtod(argv[5], NULL));
    else
        seen = read_all(count, ages);
    printf("cpu_ns %lld\n", (long long)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu));
    for (size_t i = 0; i < seen; i++) printf("%lld\n", (long long)ages[i]);
    return 0;
}
