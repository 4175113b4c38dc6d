#pragma once

/// The team where libgomp is missing: `size - 1` sleeping threads and the caller.

/// Calls `body(member, context)` for every member from 0 below `size`, each on a thread of its own, and waits.
/// Where the threads are busy or cannot be made, the caller runs what is left over.
void soma_threads_run(int size, void (*body)(int member, void *context), void *context);
