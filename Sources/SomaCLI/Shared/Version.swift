import Soma

/// This program's version.
enum Version {
    static let text = Arithmetic.version

    #if DEBUG
    static let isDebugBuild = true
    #else
    static let isDebugBuild = false
    #endif
}
