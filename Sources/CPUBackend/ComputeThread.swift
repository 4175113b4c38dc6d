import Glibc
import Synchronization

/// The one thread that issues all compute of the CPU: OpenMP keeps a team of threads for each calling thread, and two teams on the same cores
/// starve each other.
///
/// Jobs run in the order in which they were given. Where the system cannot start a thread they run in the caller.
final class ComputeThread: @unchecked Sendable {
    private var jobs: [@Sendable () -> Void] = []
    private var isStopped = false
    private let submitted = Atomic<Int>(0)
    private let finished = Atomic<Int>(0)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let hasJobs = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let hasFinished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiters = 0
    private var isThreaded = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(hasJobs, nil)
        pthread_cond_init(hasFinished, nil)
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let context = Unmanaged.passRetained(self)
        isThreaded = pthread_create(&thread, &attributes, { context in
            guard let context else { return nil }
            Unmanaged<ComputeThread>.fromOpaque(context).takeRetainedValue().work()
            return nil
        }, context.toOpaque()) == 0
        if !isThreaded { context.release() }
        pthread_attr_destroy(&attributes)
    }

    /// Runs `job` after all jobs given before.
    func submit(_ job: @escaping @Sendable () -> Void) {
        guard isThreaded else { return job() }
        submitted.wrappingAdd(1, ordering: .relaxed)
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_cond_signal(hasJobs)
        pthread_mutex_unlock(mutex)
    }

    /// Waits until everything given so far is done.
    func wait() {
        let goal = submitted.load(ordering: .relaxed)
        // A short job is done before a sleeping thread would be woken. Waiting so for longer would take a core from the team.
        for _ in 0..<32 {
            if finished.load(ordering: .acquiring) >= goal { return }
            sched_yield()
        }
        pthread_mutex_lock(mutex)
        waiters += 1
        while finished.load(ordering: .acquiring) < goal { pthread_cond_wait(hasFinished, mutex) }
        waiters -= 1
        pthread_mutex_unlock(mutex)
    }

    /// Lets the thread end after the jobs it has.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_signal(hasJobs)
        pthread_mutex_unlock(mutex)
    }

    private func work() {
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !isStopped { pthread_cond_wait(hasJobs, mutex) }
            if jobs.isEmpty { break }
            let batch = jobs
            jobs.removeAll(keepingCapacity: true)
            pthread_mutex_unlock(mutex)
            for job in batch {
                job()
                finished.wrappingAdd(1, ordering: .releasing)
                pthread_mutex_lock(mutex)
                if waiters > 0 { pthread_cond_broadcast(hasFinished) }
                pthread_mutex_unlock(mutex)
            }
        }
        pthread_mutex_unlock(mutex)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(hasJobs)
        pthread_cond_destroy(hasFinished)
        mutex.deallocate()
        hasJobs.deallocate()
        hasFinished.deallocate()
    }
}
