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

    @Test func librariesCanBeHidden() {
        setenv("SOMA_WITHOUT", "openblas,The C Library", 1)
        defer { unsetenv("SOMA_WITHOUT") }
        #expect(search("the C library", ["libc.so.6"], "malloc") == (false, "hidden by SOMA_WITHOUT"))
        #expect(search("the C", ["libc.so.6"], "malloc").found)
    }
}
