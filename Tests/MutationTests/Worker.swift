import Glibc
import Soma

/// What a worker is to do, handed on by an environment variable: the closure of an exit test captures nothing.
struct MutationPlan {
    /// Where inputs and what is noted of them lie.
    let folder: String
    let seed: UInt64
    let seconds: Double
    /// The formats, all of them or one that is at fault on purpose.
    let formats: [FileFormat]

    private static let variable = "SOMA_MUTATION_PLAN"

    func handOn() {
        setenv(Self.variable, "\(folder)\n\(seed)\n\(seconds)\n\(formats.count == 1 ? formats[0].name : "")", 1)
        // Memory of threads would take addresses that no input asks for.
        setenv("MALLOC_ARENA_MAX", "2", 1)
    }

    init(folder: String, seed: UInt64, seconds: Double, formats: [FileFormat]) {
        (self.folder, self.seed, self.seconds, self.formats) = (folder, seed, seconds, formats)
    }

    /// The plan that was handed on.
    init?() {
        guard let text = getenv(Self.variable).map({ String(cString: $0) }) else { return nil }
        let parts = text.split(atEach: "\n")
        guard parts.count == 4, let seed = UInt64(parts[1]), let seconds = Double(parts[2]) else { return nil }
        let formats = parts[3].isEmpty ? FileFormat.all : (FileFormat.all + FileFormat.faulty).filter { $0.name == parts[3] }
        self.init(folder: parts[0], seed: seed, seconds: seconds, formats: formats)
    }

    /// The input of a number, the same for the same seed.
    func input(_ format: Int, _ number: Int) -> [UInt8] {
        let (kind, samples) = (formats[format], formats[format].samples)
        var mutator = Mutator(dice: Dice(seed &+ UInt64(format) << 40 &+ UInt64(number)), tokens: kind.tokens)
        let bytes = mutator.mutate(mutator.dice.pick(samples), with: mutator.dice.pick(samples))
        return mutator.dice.below(2) == 0 ? bytes : kind.repair(bytes)
    }
}

/// What is noted of each input before it is read, in memory that outlives a worker that crashes.
struct MutationNotes {
    /// How a worker ended, where it was not by a trap or a signal.
    enum Fault: Int { case none, memory, contradiction }

    private let words: UnsafeMutableBufferPointer<Int>

    init?(_ folder: String, formatCount: Int) {
        let file = open("\(folder)/notes", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let size = (3 + 3 * formatCount) * MemoryLayout<Int>.size
        defer { close(file) }
        guard file >= 0, ftruncate(file, size) == 0, let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { return nil }
        words = UnsafeMutableRawBufferPointer(start: memory, count: size).bindMemory(to: Int.self)
    }

    var format: Int { get { words[0] } nonmutating set { words[0] = newValue } }
    var fault: Fault { get { Fault(rawValue: words[1]) ?? .none } nonmutating set { words[1] = newValue.rawValue } }

    /// How many inputs were tried, refused, and crashed; the others were accepted.
    subscript(format: Int) -> (tried: Int, refused: Int, crashes: Int) {
        get { (words[3 + 3 * format], words[4 + 3 * format], words[5 + 3 * format]) }
        nonmutating set { (words[3 + 3 * format], words[4 + 3 * format], words[5 + 3 * format]) = newValue }
    }
}

/// Reads one input after the other until the time is over, or it crashes.
enum MutationWorker {
    /// More than any input of 64 KiB may take of memory and of a processor's time.
    private static let (mostBytes, mostSeconds) = (1 << 30, 5)

    static func run() {
        guard let plan = MutationPlan(), let notes = MutationNotes(plan.folder, formatCount: plan.formats.count) else { fatalError("no plan") }
        setLimits()
        let end = ContinuousClock.now + .seconds(plan.seconds)
        // Each once at least, whatever the time.
        repeat {
            for format in plan.formats.indices { for _ in 0..<16 { tryNext(format, plan, notes) } }
        } while ContinuousClock.now < end
    }

    private static func setLimits() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &none)
        // A lie that is believed must not take the machine's memory.
        let most = rlim_t(addressSpace() + 4 * mostBytes)
        var addresses = rlimit(rlim_cur: most, rlim_max: most)
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_AS.rawValue)), &addresses)
    }

    private static func tryNext(_ format: Int, _ plan: MutationPlan, _ notes: MutationNotes) {
        let input = plan.input(format, notes[format].tried)
        notes.format = format
        notes[format].tried += 1
        let path = "\(plan.folder)/input"
        guard let file = fopen(path, "wb"), fwrite(input, 1, input.count, file) == input.count, fclose(file) == 0 else { fatalError("cannot write \(path)") }
        let before = addressSpace()
        // A processor's time and not that of a clock: the machine may be busy with other things.
        var limit = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: mostSeconds, tv_usec: 0))
        setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &limit, nil)
        do {
            try plan.formats[format].read(path, input)
        } catch let error as Contradiction {
            end(notes, plan, .contradiction, error.description)
        } catch {
            if "\(error)".unicodeScalars.contains("\n") || "\(error)".utf8.count > 30_000 { end(notes, plan, .contradiction, "an error of more than a line") }
            if "\(error)".hasPrefix("no memory") { end(notes, plan, .memory, "\(error)") }
            notes[format].refused += 1
        }
        if addressSpace() - before > mostBytes { end(notes, plan, .memory, "\((addressSpace() - before) >> 20) MiB") }
    }

    private static func end(_ notes: MutationNotes, _ plan: MutationPlan, _ fault: MutationNotes.Fault, _ reason: String) -> Never {
        notes.fault = fault
        try? AtomicFile.write(reason, to: "\(plan.folder)/reason")
        _exit(3)
    }

    /// The most bytes that this process has ever had addresses for.
    private static func addressSpace() -> Int {
        let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2048) { text in
            guard let start = text.baseAddress, case let count = Glibc.read(file, start, 2047), count > 0 else { return 0 }
            start[count] = 0
            return strstr(start, "VmPeak:").map { strtol($0 + 7, nil, 10) << 10 } ?? 0
        }
    }
}
