import Foundation
import SomaBackend
import SomaGraph
import Testing

@testable import OpenCLBackend

/// The disk cache serves what was built, and nothing it is given can do harm.
@Suite struct ProgramCacheTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "soma-cache-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func whatIsWrittenIsRead() throws {
        try inFolder { folder in
            let cache = ProgramCache(folder: folder + "/deep/down")
            let (content, key) = ((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }, ProgramCache.key(["source", "options"]))
            #expect(cache.read(key) == nil)
            cache.write(content, key)
            #expect(cache.read(key) == content)
            // Nothing is left aside.
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/deep/down")
            #expect(left == ["\(key).clbin"])
            cache.remove(key)
            #expect(cache.read(key) == nil)
        }
    }

    /// What was used longest ago goes first; a reader counts as a user, and files of others are none of the cache's.
    @Test func theLeastRecentlyUsedMakeRoom() throws {
        try inFolder { folder in
            let cache = ProgramCache(folder: folder)
            for (number, key) in ["a", "b", "c", "d"].enumerated() {
                cache.write([UInt8](repeating: 1, count: 1000), key)
                let hours = TimeInterval(3600 * (4 - number))
                try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -hours)], ofItemAtPath: "\(folder)/\(key).clbin")
            }
            try Data(count: 100_000).write(to: URL(fileURLWithPath: "\(folder)/notes.txt"))
            cache.trim(to: 10_000)
            #expect(Set(cache.names()) == ["a.clbin", "b.clbin", "c.clbin", "d.clbin"])
            #expect(cache.read("a") != nil)
            cache.trim(to: 2500)
            #expect(Set(cache.names()) == ["a.clbin", "d.clbin"])
            cache.trim(to: 0)
            #expect(cache.names().isEmpty && FileManager.default.fileExists(atPath: "\(folder)/notes.txt"))
        }
    }

    @Test func keysKeepIngredientsApart() {
        let keys = [["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c", ""], ["ab", "d"]].map(ProgramCache.key)
        #expect(Set(keys).count == keys.count)
        #expect(keys.allSatisfy { $0.count == 32 })
        // FNV-1a of the empty text and of "a" (the reference values of its authors).
        #expect(Hash128([]).hexadecimal == "6c62272e07bb014262b821756295c58d")
        #expect(Hash128("a".utf8).hexadecimal == "d228cb696f1a8caf78912b704e4a8964")
    }

    @Test func damageMeansNone() throws {
        try inFolder { folder in
            let (cache, key) = (ProgramCache(folder: folder), ProgramCache.key(["x"]))
            cache.write([1, 2, 3, 4, 5], key)
            let path = "\(folder)/\(key).clbin"
            let good = try Data(contentsOf: URL(fileURLWithPath: path))
            for size in 0..<good.count {
                try good.prefix(size).write(to: URL(fileURLWithPath: path))
                #expect(cache.read(key) == nil, "cut to \(size) bytes")
            }
            for place in good.indices {
                var bad = good
                bad[place] ^= 0x10
                try bad.write(to: URL(fileURLWithPath: path))
                #expect(cache.read(key) == nil, "byte \(place) changed")
            }
        }
    }

    @Test func aFolderThatCannotBeWrittenDoesNoHarm() throws {
        ProgramCache.hasComplained.store(false, ordering: .relaxed)
        var complaints: [String] = []
        for folder in ["", nil, "/proc/soma", "/dev/null/soma"] as [String?] {
            let cache = ProgramCache(folder: folder)
            cache.write([1, 2, 3], "key") { complaints.append($0) }
            #expect(cache.read("key") == nil)
        }
        #expect(complaints.count == 1 && complaints[0].contains("cannot keep compiled programs in /proc/soma:"), "\(complaints)")
    }

    /// Programs run as the user who loads them: those that somebody else could have written are not loaded.
    @Test func foldersAndFilesOfOthersAreNotTrusted() throws {
        try inFolder { folder in
            let own = ProgramCache(folder: folder)
            own.write([1, 2, 3], "key")
            func complaints(_ body: (ProgramCache) -> Void) -> [String] {
                ProgramCache.hasComplained.store(false, ordering: .relaxed)
                var lines: [String] = []
                for _ in 0..<2 { body(ProgramCache(folder: folder) { lines.append($0) }) }
                return lines
            }
            let none = complaints { #expect($0.read("key") == [1, 2, 3]) }
            #expect(none.isEmpty)
            chmod(folder, 0o777)
            let open = complaints { cache in
                #expect(cache.read("key") == nil && cache.refusal == "\(folder): every user may write to it")
                cache.write([4], "other")
            }
            #expect(open.count == 1 && open[0].hasPrefix("soma: \(folder) is not used to keep compiled programs: every user may write to it"))
            chmod(folder, 0o755)
            #expect(own.read("other") == nil)
            // A file that others can write in a folder that they cannot.
            chmod("\(folder)/key.clbin", 0o666)
            #expect(own.read("key") == nil)
            chmod("\(folder)/key.clbin", 0o644)
            guard geteuid() == 0 else { return }
            chown("\(folder)/key.clbin", 12345, 12345)
            #expect(own.read("key") == nil)
            chown("\(folder)/key.clbin", 0, 0)
            #expect(own.read("key") == [1, 2, 3])
            chown(folder, 12345, 12345)
            let foreign = complaints { #expect($0.read("key") == nil) }
            #expect(foreign.count == 1 && foreign[0].contains("it belongs to another user"))
        }
    }

    /// A file with a right hash around something that is no program is built over.
    @Test(.enabled(if: testDevice != nil, "no OpenCL device")) func aProgramThatDoesNotLoadIsBuiltAgain() throws {
        try inFolder { folder in
            let x = Operand(slot: 0, dtype: .float32, access: Access(strides: [1]))
            let step = Step.map(
                LoopNest(
                    outer: [5],
                    body: Body(
                        loads: [x], instructions: [Instruction(.load(operand: 0), .float32), Instruction(.unary(.negate, 0), .float32)],
                        stores: [Store(value: 1, target: x)])))
            func run() throws {
                let backend = try makeBackend(.gpu) { $0.cacheFolder = folder }
                let slice = BufferSlice(try backend.allocate(byteCount: 20))
                var values: [Float] = [1, 2, 3, 4, 5]
                try values.withUnsafeBytes { try backend.upload($0, to: slice) }
                try backend.enqueue([try backend.prepare(step)], Bindings(buffers: [slice]))
                try values.withUnsafeMutableBytes { try backend.download(slice, into: $0) }
                #expect(values == [-1, -2, -3, -4, -5])
            }
            try run()
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.count == 1)
            try run()
            let (cache, key) = (ProgramCache(folder: folder), String(files[0].dropLast(".clbin".count)))
            cache.write(Array("no program".utf8), key)
            try run()
            // The same program, though not always the same bytes: a driver may put in what it knows by now.
            #expect(try #require(cache.read(key)).count > 100)
        }
    }
}
