import Soma
import SomaZoo
import Testing

/// How the learning rate goes with each choice of `schedule=`.
@Suite struct ScheduleSettingTests {
    private let recipe = DigitsRecipe()

    /// The rate of each update of a run.
    private func rates(epochs: Int = 2, _ arguments: String...) throws -> [Double] {
        var context = RecipeContext(recipe, device: try Device.named("cpu"), seed: 1)
        context.epochs = epochs
        let rate = arguments.contains { $0.hasPrefix("lr=") } ? [] : ["lr=0.1"]
        context.settings = try Settings(recipe, arguments: ["hidden=4", "batch=150"] + rate + arguments)
        let noted = Rates()
        context.observer = noted
        _ = try recipe.run(context)
        return noted.rates
    }

    private func isClose(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) <= 1e-12 * b } ?? false }

    @Test func schedulesGoAsTheyAreCalled() throws {
        let steps = try rates("schedule=steps", "warmup=0")
        try #require(steps.count == 20)
        #expect(steps.indices.allSatisfy { isClose(steps[$0], $0 < 10 ? 0.1 : $0 < 15 ? 0.01 : 0.001) })
        let exponential = try rates("schedule=exponential", "warmup=0")
        #expect(exponential[0] == 0.1 && isClose(exponential[10], 0.01))
        let restarts = try rates("schedule=restarts", "warmup=0")
        #expect([0, 3, 9].allSatisfy { restarts[$0] == 0.1 } && restarts.count { $0 == 0.1 } == 3)
    }

    /// A cycle rises by itself: without a warm-up, unless one is chosen.
    @Test func aCycleHasNoWarmUp() throws {
        let cycle = try rates("schedule=onecycle", "optimizer=momentum")
        let schedule = Schedule.oneCycle(to: 0.1, over: 20)
        #expect(cycle == (0..<20).map(schedule.rate(after:)) && isClose(cycle.max(), 0.1))
        let late = try rates("schedule=onecycle", "warmup=10")
        #expect(late[10] == Schedule.oneCycle(to: 0.1, over: 10).rate(after: 0) && late.count == 20)
    }

    /// Where nothing moves no epoch is better than the first, and each reduces the rate of the next.
    @Test func aPlateauIsNoticed() throws {
        let rates = try rates(epochs: 4, "schedule=plateau", "warmup=0", "optimizer=sgd", "lr=1e-30")
        try #require(rates.count == 40)
        #expect(rates[19] == 1e-30 && isClose(rates[20], 1e-31) && isClose(rates[39], 1e-32))
    }
}

/// The learning rates of updates.
private final class Rates: RunObserver {
    private(set) var rates: [Double] = []

    func note(_ event: RecipeEvent) {
        if case .training(.step(let progress, _)) = event { rates.append(progress.learningRate) }
    }
}
