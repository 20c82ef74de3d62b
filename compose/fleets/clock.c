// Puts the wall clock of a process off by CLOCK_OFFSET_S seconds; the monotonic one stays. Loaded with LD_PRELOAD.
//
// librdkafka waits until times of the wall clock, by cnd_timedwait. Such a wait is given the true time, so that it lasts as
// long as it was meant to; libfaketime does not, and a client of Kafka never connects under it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(cnd_t *, mtx_t *, const struct timespec *);
static time_t offset;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("CLOCK_OFFSET_S");
    offset = text ? atol(text) : 0;
    real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_timedwait = dlsym(RTLD_NEXT, "cnd_timedwait");
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!real_gettime) begin();
    int failed = real_gettime(clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += offset;
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    (void)zone;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    if (!failed) *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until) {
    if (!real_timedwait) begin();
    struct timespec end = {until->tv_sec - offset, until->tv_nsec};
    return real_timedwait(cond, mutex, &end);
}
