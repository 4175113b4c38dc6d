extension Array {
    /// The first index from which on a condition holds that holds for no element before, found by bisection; `count` where it never holds.
    package func partitioningIndex(where condition: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
