import SomaGraph

/// Samples that can be read by number, each made of the same fields: say a picture and its class.
///
/// A data set writes samples straight into the memory of a batch, from several threads at a time, so it keeps no state
/// that reading changes. This is all there is to write for one of your own:
///
/// ```swift
/// struct Squares: DataSet {
///     let count = 10_000
///     let fields = [Field("x", .float32, []), Field("y", .float32, [])]
///
///     func read(_ indices: [Int], into batch: BatchMemory) {
///         let (x, y) = (batch.values(of: "x", as: Float.self), batch.values(of: "y", as: Float.self))
///         for (row, index) in indices.enumerated() {
///             x[row] = Float(index) * 0.001
///             y[row] = x[row] * x[row]
///         }
///     }
/// }
///
/// let loader = try BatchLoader(Squares(), batchSize: 32, seed: 1)
/// while let batch = try loader.next() { … }
/// ```
public protocol DataSet: Sendable {
    /// How many samples there are.
    var count: Int { get }

    /// What one sample consists of; the same whenever it is asked for.
    var fields: [Field] { get }

    /// Writes the samples of the given numbers, all within 0..<count, as the rows of a batch: every value of every field,
    /// unless a row is left out.
    /// - Throws: where a sample cannot be read; the loader hands the error to whoever waits for the batch.
    func read(_ indices: [Int], into batch: BatchMemory) throws

    /// How much work reading is; decides how a loader deals it to threads.
    var readingEffort: ReadingEffort { get }

    /// Which samples may be in a batch together.
    var batching: Batching { get }

    /// What there is to tell of reading since this was last asked, such as samples that were replaced or left out; a line each.
    func takeRemarks() -> [String]
}

extension DataSet {
    public var readingEffort: ReadingEffort { .copying }
    public var batching: Batching { .free }
    public func takeRemarks() -> [String] { [] }
}

/// Which samples may be in a batch together.
public enum Batching: Hashable, Sendable {
    /// Any, in any order and number.
    case free
    /// So many at a time, in the order of their numbers: batch k of each epoch is of the samples k · size ..< (k + 1) · size, and a loader's seed
    /// changes nothing. So a batch can go on where the one before has ended.
    case inOrder(size: Int)

    /// The size that batches must have; nil: any.
    var size: Int? {
        switch self {
        case .free: nil
        case .inOrder(let size): size
        }
    }
}

/// How much work it is to read a sample.
public enum ReadingEffort: Hashable, Sendable {
    /// Little more than a copy: one thread reads whole batches.
    case copying
    /// Much, as decoding pictures is: a thread for each core, which share the samples of a batch.
    case decoding
}

/// One part of a sample: its name, and the type and shape of its values. Samples of a ragged field differ in how many items they have.
public struct Field: Hashable, Sendable {
    /// By which batches and models find the values.
    public let name: String
    /// The type of the values.
    public let dtype: DType
    /// The shape of one sample's values; empty for a single number. Of a ragged field it is [mostItems] + the shape of an item.
    public let shape: [Int]
    /// How many items a sample of a ragged field has at most; nil where every sample has as many values.
    public let mostItems: Int?

    /// A field `name` of `dtype` values in `shape`.
    public init(_ name: String, _ dtype: DType, _ shape: [Int]) {
        guard shape.allSatisfy({ $0 >= 0 }), checkedProduct(shape + [dtype.byteCount]) != nil else {
            programError("field '\(name)'", "cannot have the shape \(shape)")
        }
        (self.name, self.dtype, self.shape, mostItems) = (name, dtype, shape, nil)
    }

    /// A ragged field: a sample has 0 to `most` items of `shape`, such as the tokens of a sentence, [], or the boxes of a picture, [4].
    ///
    /// Batches have it as [count, most] + `shape`, with zeros behind a sample's last item, and beside it the numbers of items as a field of
    /// their own, int32 [count], called `name.count`; see `Minibatch.mask(of:)`. All batches have room for `most`, so one captured step serves them.
    public init(_ name: String, _ dtype: DType, _ shape: [Int] = [], atMost most: Int) {
        guard (1...Int(Int32.max)).contains(most), shape.allSatisfy({ $0 > 0 }), checkedProduct([most] + shape + [dtype.byteCount]) != nil else {
            programError("field '\(name)'", "cannot have at most \(most) items of the shape \(shape)")
        }
        (self.name, self.dtype, self.shape, mostItems) = (name, dtype, [most] + shape, most)
    }

    /// The number of values in one sample.
    public var elementCount: Int { shape.reduce(1, *) }
    /// The bytes of one sample's values.
    public var byteCount: Int { elementCount * dtype.byteCount }
}

/// The memory of a batch, or of some rows of one, while a data set fills it. It must not be kept.
public struct BatchMemory {
    /// How many rows to fill.
    public let count: Int
    /// The epoch that the batch is for, from 0.
    public let epoch: Int
    /// The first of the rows.
    let start: Int
    let storage: BatchStorage

    init(_ storage: BatchStorage, rows: Range<Int>, epoch: Int) {
        (self.storage, count, start, self.epoch) = (storage, rows.count, rows.lowerBound, epoch)
    }

    /// The values of a field for all rows: row after row, each row by row.
    public func values<T: TensorScalar>(of field: String, as type: T.Type) -> UnsafeMutableBufferPointer<T> {
        let index = storage.index(of: field, as: type)
        let size = storage.fields[index].byteCount
        return UnsafeMutableRawBufferPointer(
            rebasing: storage.bytes(ofField: index)[start * size..<(start + count) * size]
        )
        .bindMemory(to: type)
    }

    /// The bytes of a field for all rows, of whatever type its values are.
    public func bytes(of field: String) -> UnsafeMutableRawBufferPointer {
        let index = storage.index(of: field)
        let size = storage.fields[index].byteCount
        return UnsafeMutableRawBufferPointer(rebasing: storage.bytes(ofField: index)[start * size..<(start + count) * size])
    }

    /// Says that the sample of a row cannot be given: the batch comes without that row, and a batch of which nothing is left
    /// does not come at all. Measuring a model goes on so; a data set to train on gives another sample instead.
    public func leaveOut(_ row: Int) { storage.leaveOut(start + row) }

    /// The values of a field for one row.
    public func row<T: TensorScalar>(_ row: Int, of field: String, as type: T.Type) -> UnsafeMutableBufferPointer<T>
    {
        let all = values(of: field, as: type)
        let size = storage.fields[storage.index(of: field)].elementCount
        return UnsafeMutableBufferPointer(rebasing: all[row * size..<(row + 1) * size])
    }
}

/// Some of the samples of another data set, in an order of their own.
public struct Subset: DataSet {
    private let base: any DataSet
    private let indices: [Int]

    /// The samples of `base` with these numbers.
    public init(_ base: any DataSet, indices: [Int]) {
        if let wrong = indices.first(where: { $0 < 0 || $0 >= base.count }) {
            programError("subset", "there is no sample \(wrong) among \(base.count)")
        }
        (self.base, self.indices) = (base, indices)
    }

    public var count: Int { indices.count }
    public var fields: [Field] { base.fields }
    public var readingEffort: ReadingEffort { base.readingEffort }
    public func takeRemarks() -> [String] { base.takeRemarks() }

    public func read(_ indices: [Int], into batch: BatchMemory) throws {
        try base.read(indices.map { self.indices[$0] }, into: batch)
    }
}

extension DataSet {
    /// Deals the samples at random into two sets, of which the second holds the given fraction, rounded.
    /// - Parameter seed: the same seed gives the same sets everywhere.
    public func split(heldOut fraction: Double, seed: UInt64) -> (training: Subset, heldOut: Subset) {
        guard (0...1).contains(fraction) else { programError("split", "\(fraction) is not a fraction") }
        var generator = Philox(seed: seed)
        let order = generator.permutation(of: count)
        let boundary = count - Int((Double(count) * fraction).rounded())
        return (Subset(self, indices: Array(order[..<boundary])), Subset(self, indices: Array(order[boundary...])))
    }
}
