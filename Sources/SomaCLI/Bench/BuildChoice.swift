import ArgumentParser
import Soma

/// Whether a build that does not optimise may measure.
struct BuildChoice: ParsableArguments {
    @Flag(help: ArgumentHelp("Measure although this is a debug build, as tests of the command do.", visibility: .hidden))
    var allowDebug = false

    /// - Throws: `SomaError` for a debug build that was not allowed.
    func check(_ command: String) throws {
        if Version.isDebugBuild && !allowDebug {
            throw SomaError("\(command) refuses to measure a debug build", hint: "build with `swift build -c release`")
        }
    }
}
