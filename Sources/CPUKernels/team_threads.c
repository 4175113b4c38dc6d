#include "team_threads.h"

#include "soma_team.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/// How long a member looks for work before it sleeps: about 20 µs, longer than the gap between two steps.
enum { spins = 4000 };

static struct {
    pthread_mutex_t caller;            // held by the thread whose loop runs
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int started;                       // threads that exist
    unsigned long newborn;             // the last loop that a thread being made need not see
    void (*body)(int, void *);
    void *context;
    int size;                          // members of the running loop
    atomic_ulong generation;           // counts loops: a change means work
    atomic_int running;                // members that have not finished
} pool = {.caller = PTHREAD_MUTEX_INITIALIZER, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Waits for a loop newer than `seen`, at first awake and then asleep.
static unsigned long wait_for_work(unsigned long seen) {
    for (int spin = 0; spin < spins; spin++) {
        unsigned long now = atomic_load_explicit(&pool.generation, memory_order_acquire);
        if (now != seen) { return now; }
        pause_briefly();
    }
    pthread_mutex_lock(&pool.mutex);
    while (atomic_load(&pool.generation) == seen) { pthread_cond_wait(&pool.wake, &pool.mutex); }
    pthread_mutex_unlock(&pool.mutex);
    return atomic_load(&pool.generation);
}

static void *serve(void *argument) {
    int member = (int)(long)argument;
    unsigned long seen = pool.newborn;
    for (;;) {
        seen = wait_for_work(seen);
        if (member < pool.size) { pool.body(member, pool.context); }
        atomic_fetch_sub_explicit(&pool.running, 1, memory_order_release);
    }
    return NULL;
}

/// Makes the threads that a loop of `wanted` members lacks; they serve that loop first.
static void start_threads(int wanted) {
    pool.newborn = atomic_load(&pool.generation);
    while (pool.started < wanted - 1) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(long)(pool.started + 1)) != 0) { return; }
        pthread_detach(thread);
        pool.started++;
    }
}

void soma_threads_run(int size, void (*body)(int, void *), void *context) {
    int served = 1;
    bool mine = size > 1 && pthread_mutex_trylock(&pool.caller) == 0;
    if (mine) {
        if (pool.started < size - 1) { start_threads(size); }
        served = size <= pool.started + 1 ? size : pool.started + 1;
        pool.body = body, pool.context = context, pool.size = served;
        atomic_store(&pool.running, pool.started);
        pthread_mutex_lock(&pool.mutex);
        atomic_fetch_add_explicit(&pool.generation, 1, memory_order_release);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.mutex);
    }
    body(0, context);
    for (int member = served; member < size; member++) { body(member, context); }
    if (!mine) { return; }
    for (int spin = 0; atomic_load_explicit(&pool.running, memory_order_acquire) > 0; spin++) {
        if (spin < spins) { pause_briefly(); } else { sched_yield(); }
    }
    pthread_mutex_unlock(&pool.caller);
}
