import Kernels
import SomaGraph

/// Every line of a file in Kernels/tuning by the class of devices that it is for.
func shippedTable<Row>(_ text: UnsafePointer<CChar>, _ row: (ArraySlice<String>) -> Row?) -> [String: Row] {
    let lines = String(cString: text).split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
    return Dictionary(lines.map { line in
        let words = line.split(separator: " ").map(String.init)
        guard let row = row(words.dropFirst()) else { programError("OpenCL", "no choices: \(line)") }
        return (words[0], row)
    }) { first, _ in first }
}

extension Dictionary where Key == String {
    /// The line of a device's class.
    func row(for traits: DeviceTraits) -> Value {
        let words = traits.isCPU ? ["cpu"] : traits.vendor.lowercased().split { !$0.isLetter }.map(String.init)
        guard let row = (words + ["other"]).lazy.compactMap({ self[$0] }).first else { programError("OpenCL", "choices for other devices are missing") }
        return row
    }
}

/// How a class of devices spreads reductions: a line of Kernels/tuning/reduce.txt, which says what each number is.
struct ShippedReductions: Hashable {
    let items, group, across: Int
    let lanes: [Int]

    static let table = shippedTable(kernel_reduce_tuning()) { ShippedReductions($0) }

    private init?(_ words: ArraySlice<String>) {
        let numbers = words.dropLast().compactMap { Int($0) }.filter { $0 > 0 }
        lanes = (words.last ?? "").split(separator: ",").compactMap { Int($0) }
        guard numbers.count == 3, words.count == 4, !lanes.isEmpty, lanes.allSatisfy({ $0 > 0 && $0 & ($0 - 1) == 0 }) else { return nil }
        (items, group, across) = (numbers[0], numbers[1], numbers[2])
    }
}

/// How a class of devices spreads maps: a line of Kernels/tuning/map.txt, which says what each number is.
struct ShippedMaps: Hashable {
    let group, share, items: Int

    static let table = shippedTable(kernel_map_tuning()) { ShippedMaps($0) }

    private init?(_ words: ArraySlice<String>) {
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == 3, words.count == 3, numbers[0] > 0, numbers[1] > 0, numbers[2] >= 0 else { return nil }
        (group, share, items) = (numbers[0], numbers[1], numbers[2])
    }

    /// For so many positions or vectors.
    func shape(for count: Int, _ traits: DeviceTraits) -> MapShape {
        let most = traits.computeUnits * items
        return MapShape(group: min(group, traits.maximumWorkGroupSize), share: max(share, most > 0 ? (count + most - 1) / most : 0))
    }
}
