import Soma
import SomaReference
import Testing

/// What is chosen by its values, which are read.
@Suite struct HostSelectionTests {
    @Test(arguments: TestDevices.all) func nonzeroPositions(_ device: Device) throws {
        try withDevice(device) { () throws in
            let positions = try Tensor([[0, 3, -0.0], [.nan, 0, -1]] as [[Float]]).nonzero()
            #expect(positions.dtype == .int64 && positions.shape == [3, 2])
            #expect(try positions.scalars() == [0, 1, 1, 0, 1, 2])
            #expect(try Tensor.zeros([2, 3], dtype: .bool).nonzero().shape == [0, 2])
            #expect(try Tensor.zeros([2, 0, 3]).nonzero().shape == [0, 3])
            #expect(try Tensor(5, dtype: .int32).nonzero().shape == [1, 0])
        }
    }

    @Test(arguments: TestDevices.all) func selection(_ device: Device) throws {
        try withDevice(device) { () throws in
            let x = Tensor([[1, -2, 3], [-4, 5, -6]] as [[Float]])
            let positive = try x.selected(where: x .> 0)
            #expect(positive.shape == [3])
            let slope = gradient(of: positive, withRespectTo: x, seed: Tensor([7, 8, 9] as [Float]))
            #expect(try positive.scalars() == [1, 3, 5])
            #expect(try slope.scalars() == [7, 0, 8, 0, 9, 0])
            #expect(try x.selected(where: x .> 10).scalars() == [])
            #expect(try Tensor([3, 4] as [Int32]).selected(where: Tensor([false, true])).scalars() == [4])
        }
    }

    @Test func aMaskOfAnotherShapeTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = try withDevice(TestDevices.interpreter) { try Tensor.zeros([2, 2]).selected(where: Tensor([true, false])) }
        }
    }

    /// Each of 10 numbers about as often as any other: χ² with 9 degrees of freedom is above 40 once in 10⁵ seeds.
    @Test(arguments: TestDevices.all) func integersAreEven(_ device: Device) throws {
        try withDevice(device) { () throws in
            let numbers = try Tensor.randomIntegers([5000], in: -4..<6, generator: RandomGenerator(seed: 11)).scalars(as: Int64.self)
            #expect(Set(numbers) == Set(-4..<6))
            let counts = (-4..<6).map { number in Double(numbers.filter { $0 == number }.count) }
            #expect(counts.reduce(0) { $0 + ($1 - 500) * ($1 - 500) / 500 } < 40)
            let bytes = Tensor.randomIntegers([100], in: 250..<256, dtype: .uint8, generator: RandomGenerator(seed: 11))
            #expect(try bytes.dtype == .uint8 && bytes.scalars().allSatisfy { (250...255).contains($0) })
        }
    }
}
