/// The paths of many pictures and their classes, packed: a million take some ten megabytes.
struct ImageList: Sendable {
    /// The class of each picture.
    private(set) var labels: [Int32] = []
    private let root: [UInt8]
    private var names: [UInt8] = []
    private var ends: [Int] = []

    init(root: [UInt8]) { self.root = root }

    var count: Int { ends.count }

    mutating func append(_ relativePath: [UInt8], label: Int) {
        names += relativePath
        ends.append(names.count)
        labels.append(Int32(label))
    }

    /// The path of a picture as bytes, below the root.
    func relativePath(_ index: Int) -> ArraySlice<UInt8> { names[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    /// The path of a picture as the system has it.
    func bytes(_ index: Int) -> [UInt8] { root + [UInt8(ascii: "/")] + relativePath(index) }

    /// The path of a picture for people.
    func path(_ index: Int) -> String { bytes(index).pathText }

    /// Those of the given numbers.
    func subset(_ indices: [Int]) -> ImageList {
        var result = ImageList(root: root)
        for index in indices { result.append(Array(relativePath(index)), label: Int(labels[index])) }
        return result
    }

    /// Deals the pictures of each class at random, so that `fraction` of all, rounded, is held out and no class gets
    /// more than one picture away from its share.
    func split(heldOut fraction: Double, seed: UInt64) -> (training: ImageList, heldOut: ImageList) {
        var random = Philox(seed: seed, stream: ImageRandom.splitting)
        let parts = Stratification.split(labels, heldOut: fraction, &random)
        return (subset(parts.training), subset(parts.heldOut))
    }
}
