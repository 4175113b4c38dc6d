/// This program's version.
enum Version {
    static let text = "0.1.0"

    #if DEBUG
    static let isDebugBuild = true
    #else
    static let isDebugBuild = false
    #endif
}
