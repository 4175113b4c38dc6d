import Soma
import Testing

@testable import SomaZoo

@Suite struct RandomShiftTests {
    private func moved(_ distance: Int, _ pictures: [Float], seed: UInt64 = 3) throws -> [[Float]] {
        try withDevice(interpreter()) {
            let x = Tensor(pictures, shape: [pictures.count / 12, 12])
            let y = withRandomSeed(seed) { withTraining { RandomShift(rows: 3, columns: 4, distance: distance)(x) } }
            let values: [Float] = try y.scalars()
            return (0..<pictures.count / 12).map { Array(values[$0 * 12..<$0 * 12 + 12]) }
        }
    }

    /// A picture moved down by `dy` and right by `dx`.
    private func expected(_ picture: [Float], _ dy: Int, _ dx: Int) -> [Float] {
        (0..<12).map { place in
            let (row, column) = (place / 4 - dy, place % 4 - dx)
            return (0..<3).contains(row) && (0..<4).contains(column) ? picture[row * 4 + column] : 0
        }
    }

    @Test func movesEachPictureAsAWhole() throws {
        let pictures = (0..<60 * 12).map { Float($0 + 1) }
        var seen = Set<[Int]>()
        for (number, result) in try moved(1, pictures).enumerated() {
            let picture = Array(pictures[number * 12..<number * 12 + 12])
            let moves = (-1...1).flatMap { dy in (-1...1).map { [dy, $0] } }
            let move = try #require(moves.first { expected(picture, $0[0], $0[1]) == result })
            seen.insert(move)
        }
        // With 60 pictures every one of the nine moves comes up.
        #expect(seen.count == 9)
    }

    @Test func leavesPicturesAlone() throws {
        let pictures = (0..<24).map { Float($0) }
        #expect(try moved(0, pictures).flatMap { $0 } == pictures)
        let x = Tensor(pictures, shape: [2, 12], device: interpreter())
        let values: [Float] = try withInference { RandomShift(rows: 3, columns: 4, distance: 2)(x) }.scalars()
        #expect(values == pictures)
    }
}
