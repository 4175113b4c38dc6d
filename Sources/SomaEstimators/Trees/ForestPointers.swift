import CEstimators

/// Calls `body` with the nodes of trees as C takes them, those before tree `first` left out.
/// - Parameter missingLeft: of trees whose leaves are added up, whether a missing number goes left; nil for trees that give shares or means.
func withForest<Result>(
    starts: [Int], from first: Int = 0, feature: [Int32], right: [Int32], threshold: [Float], missingLeft: [UInt8]? = nil, values: [Float],
    outputs: Int, _ body: (inout soma_forest) -> Result
) -> Result {
    starts.withUnsafeBufferPointer { starts in
        feature.withUnsafeBufferPointer { feature in
            right.withUnsafeBufferPointer { right in
                threshold.withUnsafeBufferPointer { threshold in
                    values.withUnsafeBufferPointer { values in
                        withOptionalPointer(missingLeft) { missing in
                            var forest = soma_forest(
                                trees: starts.count - first, outputs: outputs, starts: starts.baseAddress.map { $0 + first },
                                feature: feature.baseAddress, right: right.baseAddress, threshold: threshold.baseAddress, missing_left: missing,
                                values: values.baseAddress, is_boosted: missing != nil)
                            return body(&forest)
                        }
                    }
                }
            }
        }
    }
}
