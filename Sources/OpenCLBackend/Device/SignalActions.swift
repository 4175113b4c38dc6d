import CLibraries

/// Runs calls of a driver that may compile or start something, and sets signal actions that they have changed back.
func keepingSignalActions<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    let actions = signal_actions_save()
    defer { signal_actions_restore(actions) }
    return try body()
}
