import CLibraries
import CPUKernels
import Glibc
import Testing

private func search(_ name: String, _ files: [String], _ symbol: String) -> (found: Bool, reason: String) {
    var result = library_search()
    var address: UnsafeMutableRawPointer?
    let names = files.map { strdup($0) } + [nil]
    let wanted = strdup(symbol)
    defer {
        names.forEach { free($0) }
        free(wanted)
    }
    let found = withUnsafeMutablePointer(to: &address) { address in
        let symbols = [library_symbol(name: wanted, address: address, optional: false), library_symbol(name: nil, address: nil, optional: false)]
        return name.withCString { library_open(&result, $0, names.map { UnsafePointer($0) }, symbols) }
    }
    #expect(found == (address != nil))
    return (found, withUnsafeBytes(of: result.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
}

extension CPUBackendTests.KernelTests {
    @Test func aLibraryIsFoundOrTheReasonIsTold() {
        #expect(search("the C library", ["libc.so.6"], "malloc") == (true, ""))
        #expect(search("the C library", ["libnosuchthing.so.1", "libc.so.6"], "malloc") == (true, ""))
        #expect(search("the C library", ["libc.so.6"], "no_such_function") == (false, "libc.so.6 has no no_such_function"))
        let missing = search("nothing", ["libnosuchthing.so.1"], "malloc")
        #expect(!missing.found && missing.reason.hasPrefix("libnosuchthing.so.1:"))
    }

    /// Other threads may be reading the environment: what they read stays, and stays where it is.
    @Test func theEnvironmentIsChangedForAWhile() throws {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let (path, array) = (try #require(value("PATH")), environ)
        let entries = sequence(first: array) { $0 + 1 }.prefix { $0.pointee != nil }.map { $0.pointee }
        let changes = [environment_change(name: strdup("PATH"), value: nil), environment_change(name: strdup("SOMA_TEST_VARIABLE"), value: strdup("a=b"))]
        let override = environment_override_begin(changes, changes.count)
        #expect(value("PATH") == nil && value("SOMA_TEST_VARIABLE") == "a=b")
        #expect(sequence(first: array) { $0 + 1 }.prefix { $0.pointee != nil }.map { $0.pointee } == entries)
        environment_override_end(override)
        #expect(value("PATH") == path && value("SOMA_TEST_VARIABLE") == nil && environ == array)
    }

    @Test func librariesCanBeHidden() {
        let environment = "SOMA_WITHOUT".withCString { name in
            "openblas,The C Library".withCString { value in environment_override_begin([environment_change(name: name, value: value)], 1) }
        }
        defer { environment_override_end(environment) }
        #expect(search("the C library", ["libc.so.6"], "malloc") == (false, "hidden by SOMA_WITHOUT"))
        #expect(search("the C", ["libc.so.6"], "malloc").found)
    }
}
