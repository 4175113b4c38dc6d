import ArgumentParser
import Glibc
import OpenCLBackend
import Soma

/// Writes the OpenCL programs that a GPU would be given, which need not be here.
@main
struct KernelTexts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "KernelTexts",
        abstract: "Writes the OpenCL program of every kernel, as it would be built for a GPU that need not be here.",
        discussion: """
            Into FOLDER goes NUMBER.cl for each program; standard output gets a line for each kernel, with tabs between the number of its \
            program, its name, the name that it has in the program, the work-items of a work-group, and the options of the build. For \
            scripts/kernel-report.
            """)

    @Option(help: "What OpenCL calls the vendor, which decides the tiles.") var vendor: String
    @Option(help: "Compute units, which decide where a tile is too large to keep them busy.") var units: Int
    @Option(help: "The most work-items of a work-group.") var groupSize = 256
    @Option(help: "Bytes of local memory.") var localMemory = 48 << 10
    @Argument(help: "An existing folder.") var folder: String

    func run() throws {
        let gpu = AbsentGPU(vendor: vendor, computeUnits: units, maximumWorkGroupSize: groupSize, localMemoryBytes: localMemory)
        let kernels = try KernelCase.all(for: gpu).flatMap { try $0.programs(for: gpu) } + KernelCase.peaks(gpu)
        var seen = Set<KernelProgram>(), numbers: [String: Int] = [:]
        for (name, program) in kernels where seen.insert(program).inserted {
            let text = program.options + program.source
            let number = numbers[text] ?? numbers.count
            if number == numbers.count {
                try write(program.source, to: "\(folder)/\(number).cl")
                numbers[text] = number
            }
            print(number, name, program.entry, program.groupSize, program.options, separator: "\t")
        }
    }

    private func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw ValidationError("\(path): \(String(cString: strerror(errno)))") }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0 else { throw ValidationError("\(path): \(String(cString: strerror(errno)))") }
    }
}
