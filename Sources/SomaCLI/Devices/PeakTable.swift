import Soma

/// What devices were measured to be capable of, side by side.
enum PeakTable {
    static func lines(_ devices: [BenchDevice]) -> [String] {
        var table = FigureTable([.init(name: "", isRight: false)] + devices.map { .init(name: $0.name) })
        for peak in Peak.allCases {
            table.rows.append([peak.title] + devices.map { $0.peaks[peak].map(peak.text) ?? "—" })
        }
        return devices.map { "\($0.name): \($0.model), \($0.units) units, \($0.driver)" } + [""] + table.text + reasons(devices)
    }

    /// Why there is no figure, a line for each device and reason.
    private static func reasons(_ devices: [BenchDevice]) -> [String] {
        let lines = devices.flatMap { device in
            var peaks: [String: [String]] = [:]
            for peak in Peak.allCases {
                if case .missing(let reason)? = device.peaks.figures[peak] { peaks[reason, default: []].append(peak.title) }
            }
            return peaks.map { "\(device.name): no \($0.value.joined(separator: ", ")): \($0.key)" }.sorted()
        }
        return lines.isEmpty ? [] : [""] + lines
    }
}

extension Peak {
    /// In words.
    var title: String {
        switch self {
        case .float32: "float32 multiply-adds"
        case .float16: "float16 multiply-adds"
        case .bfloat16: "bfloat16 multiply-adds"
        case .tensorFloat32: "tf32 multiply-adds"
        case .localMemory: "local memory, read"
        case .memoryRead: "memory, read"
        case .memoryWrite: "memory, write"
        case .memoryCopy: "memory, copy"
        case .uploadPageable: "host to device, pageable"
        case .downloadPageable: "device to host, pageable"
        case .uploadPinned: "host to device, pinned"
        case .downloadPinned: "device to host, pinned"
        case .launch: "launch, in a row"
        case .latency: "launch, waited for"
        case .buildCold: "program build, cold"
        case .buildCached: "program build, cached"
        }
    }

    /// A value with its unit.
    func text(_ value: Double) -> String {
        switch unit {
        case .operationsPerSecond: "\(Quantity.significant(value / 1e9)) GFLOP/s"
        case .bytesPerSecond: "\(Quantity.significant(value / 1e9, 3)) GB/s"
        case .seconds: BenchReport.seconds(value)
        }
    }
}
