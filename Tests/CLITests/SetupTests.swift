import Glibc
import Testing

/// `scripts/setup` on machines of all kinds, played by programs that stand in for those of the system.
@Suite struct SetupTests {
    private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let folder = TestFolder()

    /// A machine that has these packages, this user and this version of Swift.
    private func machine(installed: [String], user: Int, swift: String?, available: [String] = []) throws {
        func program(_ name: String, _ text: String) throws {
            let path = try folder.write("bin/\(name)", Array("#!/bin/bash\n\(text)\n".utf8))
            chmod(path, 0o755)
        }
        try program("id", "echo \(user)")
        try program("sudo", "exit 1")
        try program("apt-cache", "case \" \(available.joined(separator: " ")) \" in *\" $2 \"*) ;; *) exit 1;; esac")
        // What is installed by it counts as installed from then on.
        try program("apt-get", "[ $1 = install ] || exit 0; echo \"$@\" >>\(folder.path)/asked; cat \(folder.path)/bin/later >>\(folder.path)/bin/have")
        try folder.write("bin/have", Array((installed.joined(separator: "\n") + "\n").utf8))
        try folder.write("bin/later", Array((available.joined(separator: "\n") + "\n").utf8))
        try program("dpkg-query", "grep -qx -- \"$3\" \(folder.path)/bin/have && printf installed")
        if let swift { try program("swift", "echo 'Swift version \(swift) (a release)'") }
        for name in ["bash", "sed", "head", "grep", "cat", "env"] {
            for place in ["/bin", "/usr/bin"] where access("\(place)/\(name)", X_OK) == 0 {
                symlink("\(place)/\(name)", "\(folder.path)/bin/\(name)")
            }
        }
    }

    private func setup(_ arguments: String...) -> Command {
        Command.run(["bash", "\(root)/scripts/setup"] + arguments, in: folder, environment: ["PATH": "\(folder.path)/bin"])
    }

    private let required = ["git", "gcc", "g++", "libc6-dev", "libpng-dev", "libjpeg-dev", "zlib1g-dev", "opencl-headers", "libclblast-dev"]
    private let useful = ["ocl-icd-libopencl1", "libopenblas0-openmp", "libdnnl2", "libgomp1", "libcurl4"]
    private let forTests = ["pocl-opencl-icd", "oclgrind", "clang-16", "libclc-16"]

    @Test func nothingIsMissing() throws {
        try machine(installed: required + useful + forTests, user: 1000, swift: "6.1.2")
        for command in [setup(), setup("--tests")] {
            #expect(command.status == 0 && command.output.isEmpty && command.complaint.isEmpty, "\(command.complaint)")
        }
        #expect(!folder.exists("asked"))
    }

    @Test func onlyWhatIsMissingIsInstalled() throws {
        try machine(
            installed: required.filter { $0 != "libpng-dev" } + useful.filter { $0 != "libdnnl2" }, user: 0, swift: "6.0",
            available: ["libpng-dev", "libdnnl2", "oclgrind"])
        #expect(setup().status == 0)
        let asked = folder.text("asked").split(separator: "\n")
        #expect(asked.count == 1)
        #expect(asked.first?.hasSuffix(" libpng-dev libdnnl2") == true, "\(asked)")
        // What this release does not have is said, and is no reason to stop.
        let command = setup("--tests")
        #expect(command.status == 0 && command.complaint.contains("pocl-opencl-icd"))
    }

    @Test func nobodyMayInstall() throws {
        try machine(installed: useful, user: 1000, swift: "6.0")
        let command = setup()
        #expect(command.status == 1)
        #expect(command.complaint.contains("neither root nor able to use sudo") && command.complaint.contains("apt-get install git gcc"))
        #expect(!folder.exists("asked"))
        try machine(installed: required, user: 1000, swift: "6.0")
        #expect(setup().status == 0, "what is only useful may be missing")
    }

    @Test(arguments: [nil, "5.10.1"]) func swiftIsMissingOrOld(version: String?) throws {
        try machine(installed: required + useful, user: 0, swift: version)
        setup().expectComplaint(1, "Swift", version ?? "missing", "swift.org/install")
    }
}
