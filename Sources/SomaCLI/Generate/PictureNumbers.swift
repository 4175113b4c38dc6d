import ArgumentParser

/// Numbers of pictures as an option takes them: 3,17,40.
struct PictureNumbers: ExpressibleByArgument {
    let numbers: [Int]

    /// Nil where a part is no whole number from 0 on.
    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        numbers = parts.compactMap { Int($0.drop { $0 == " " }) }.filter { $0 >= 0 }
        if numbers.count != parts.count { return nil }
    }
}
