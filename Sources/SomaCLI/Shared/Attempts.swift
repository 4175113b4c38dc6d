/// Things to do one after the other, whatever becomes of those before.
struct Attempts {
    private var errors: [any Error] = []

    /// Does something, and goes on where that fails.
    mutating func attempt(_ body: () throws -> Void) {
        do { try body() } catch { errors.append(error) }
    }

    /// Ends the attempts.
    /// - Throws: the last error; those before it are told on standard error.
    func finish() throws {
        guard let last = errors.last else { return }
        for error in errors.dropLast() { Console.complain(Ending(error).complaint) }
        throw last
    }
}
