import Glibc

/// Who builds a graph: a task, which may go on in another thread after an `await`, or a thread outside of any task.
enum Worker: Hashable {
    case task(Int)
    case thread(UInt)

    static var current: Worker {
        withUnsafeCurrentTask { $0.map { .task($0.hashValue) } } ?? .thread(UInt(pthread_self()))
    }
}
