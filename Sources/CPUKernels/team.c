#define _GNU_SOURCE
#include "soma_team.h"

#include "libraries_openmp.h"
#include "team_threads.h"
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

static int team_size;
static bool prefers_own_threads;
static _Thread_local bool inside_loop;

static int clamped(long size) {
    return size < 1 ? 1 : size > SOMA_TEAM_LIMIT ? SOMA_TEAM_LIMIT : (int)size;
}

static int default_size(void) {
    const char *wanted = getenv("OMP_NUM_THREADS");
    if (wanted != NULL && atol(wanted) > 0) { return clamped(atol(wanted)); }
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) != 0) { return 1; }
    return clamped(CPU_COUNT(&processors));
}

int soma_team_size(void) {
    int size = __atomic_load_n(&team_size, __ATOMIC_RELAXED);
    if (size == 0) { soma_team_resize(size = default_size()); }
    return size;
}

void soma_team_resize(int size) { __atomic_store_n(&team_size, clamped(size), __ATOMIC_RELAXED); }

void soma_team_prefer_own_threads(bool prefers) { __atomic_store_n(&prefers_own_threads, prefers, __ATOMIC_RELAXED); }

static bool uses_openmp(void) {
    return !__atomic_load_n(&prefers_own_threads, __ATOMIC_RELAXED) && libraries_openmp_table()->search.found;
}

const char *soma_team_description(void) {
    return uses_openmp() ? "OpenMP (libgomp.so.1)" : "own threads";
}

typedef struct gathering {
    pthread_mutex_t mutex;
    pthread_cond_t change;
    bool is_over;
} gathering;

/// Stays until all are there.
static void *stay(void *context) {
    gathering *gathering = context;
    pthread_mutex_lock(&gathering->mutex);
    while (!gathering->is_over) { pthread_cond_wait(&gathering->change, &gathering->mutex); }
    pthread_mutex_unlock(&gathering->mutex);
    return NULL;
}

static int try_threads(void) {
    gathering gathering = {.mutex = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};
    pthread_t threads[SOMA_TEAM_LIMIT];
    int started = 0, code = 0;
    while (started < soma_team_size() - 1 && (code = pthread_create(&threads[started], NULL, stay, &gathering)) == 0) { started++; }
    pthread_mutex_lock(&gathering.mutex);
    gathering.is_over = true;
    pthread_cond_broadcast(&gathering.change);
    pthread_mutex_unlock(&gathering.mutex);
    for (int thread = 0; thread < started; thread++) { pthread_join(threads[thread], NULL); }
    return code;
}

typedef struct loop {
    long count;
    int parts;
    soma_loop_body body;
    void *context;
} loop;

static void run_part(int part, void *data) {
    const loop *loop = data;
    // In this order the products of long loops stay within 64 bits.
    long quotient = loop->count / loop->parts, rest = loop->count % loop->parts;
    long begin = part * quotient + (part < rest ? part : rest);
    long end = begin + quotient + (part < rest);
    bool outer = inside_loop;
    inside_loop = true;
    loop->body(begin, end, part, loop->context);
    inside_loop = outer;
}

/// What each member of an OpenMP team does; the team may be smaller than asked for.
static void run_member(void *data) {
    const libraries_openmp *openmp = libraries_openmp_table();
    const loop *loop = data;
    for (int part = openmp->thread(); part < loop->parts; part += openmp->threads()) { run_part(part, data); }
}

void soma_parallel_for(long count, long grain, soma_loop_body body, void *context) {
    if (count <= 0) { return; }
    long most = grain > 1 ? (count + grain - 1) / grain : count;
    int size = soma_team_size();
    loop loop = {.count = count, .parts = most < size ? (int)most : size, .body = body, .context = context};
    if (loop.parts == 1 || inside_loop) {
        for (int part = 0; part < loop.parts; part++) { run_part(part, &loop); }
    } else if (uses_openmp()) {
        // Always the whole team: asking for another number makes libgomp stop and start threads.
        libraries_openmp_table()->parallel(run_member, &loop, (unsigned)size, 0);
    } else {
        soma_threads_run(loop.parts, run_part, &loop);
    }
}

static void nothing(long begin, long end, int part, void *context) { (void)begin, (void)end, (void)part, (void)context; }

int soma_team_start(void) {
    int code = try_threads();
    if (code == 0) { soma_parallel_for(soma_team_size(), 1, nothing, NULL); }
    return code;
}
