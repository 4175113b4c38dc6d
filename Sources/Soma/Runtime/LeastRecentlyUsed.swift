/// Values by key; the least recently used is forgotten when there are more than `capacity`.
struct LeastRecentlyUsed<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, used: Int)] = [:]
    private var clock = 0
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// All that is remembered, in no order.
    var values: [Value] { entries.values.map(\.value) }

    /// Asking counts as using.
    subscript(key: Key) -> Value? {
        mutating get {
            clock += 1
            entries[key]?.used = clock
            return entries[key]?.value
        }
        set {
            clock += 1
            guard let newValue else { return entries[key] = nil }
            if entries.count >= capacity, entries[key] == nil, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
                entries[oldest.key] = nil
            }
            entries[key] = (newValue, clock)
        }
    }

    /// The value to change, which counts as using; `new` where there is none yet.
    subscript(key: Key, default new: @autoclosure () -> Value) -> Value {
        mutating get { self[key] ?? new() }
        set { self[key] = newValue }
    }
}
