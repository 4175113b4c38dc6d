import CPUBackend
import Soma
import SomaReference
import Testing

extension CPUBackendTests {
    @Test(arguments: ExtremeCheck.all, [false, true]) func extremesPassTheirGradientOn(_ check: ExtremeCheck, _ readsFirst: Bool) throws {
        var random = RandomGenerator(seed: 5).hostSequence()
        let elements = (0..<2880).map { _ in random.uniform() - 0.5 }
        let (sum, wanted) = try check.slopes(elements, on: Self.device, readsFirst: readsFirst)
        #expect(abs(sum - wanted) < 1e-3 * wanted)
    }
}

extension CPUBackendTests {
    @Test(arguments: FarWords.all) func farWords(_ words: FarWords) throws {
        let (device, host) = try words.words(on: Self.device)
        #expect(device == host)
    }
}
