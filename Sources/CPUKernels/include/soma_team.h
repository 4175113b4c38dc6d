#pragma once
#include <stdbool.h>

/// One team of threads for everything the CPU computes.
///
/// It is the OpenMP team of libgomp where that is installed, so that OpenBLAS, oneDNN and the loops of this project run on the
/// same threads; else a small pool of its own. OpenMP keeps one team per calling thread, so all compute must be issued from
/// one thread.

/// The most members a team can have.
#define SOMA_TEAM_LIMIT 256

/// The part [begin, end) of a loop, run by one member. `part` numbers the parts from 0, below `soma_team_size()`.
typedef void (*soma_loop_body)(long begin, long end, int part, void *context);

/// How many threads share a loop: the first number in OMP_NUM_THREADS, else the processors this process may run on.
int soma_team_size(void);

/// Sets that number, from 1 to SOMA_TEAM_LIMIT. Not while a loop runs.
void soma_team_resize(int size);

/// Starts the threads of the team, for the thread that calls this.
///
/// libgomp ends the process where the system has no room for one: as many others are started first, and end again.
/// - Returns: 0, or the error of the thread that could not be started.
int soma_team_start(void);

/// What the threads are, in words: "OpenMP (libgomp.so.1)" or "own threads".
const char *soma_team_description(void);

/// Keeps to the own threads although libgomp is there, or no longer does: so is tested what a machine without it does.
void soma_team_prefer_own_threads(bool prefers);

/// Runs `body` over [0, count), cut into equal parts of at least `grain` iterations, and waits for all.
///
/// The cut depends on `count`, `grain` and the team's size alone, never on timing, so what is computed is the same every time.
/// Called from within a body, or from a second thread while the own threads are busy, it runs in the caller.
void soma_parallel_for(long count, long grain, soma_loop_body body, void *context);
