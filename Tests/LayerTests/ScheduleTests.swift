import Soma
import SomaReference
import Testing

/// Schedules against PyTorch's, kept in fixtures/schedules.json with the script that made them.
@Suite struct ScheduleTests {
    private static let answers = Answers.file("schedules.json")

    private func numbers(_ name: String) -> [Double] { Self.answers.part(name).doubles }

    /// Whether the schedule gives what PyTorch does, but for the last bits: both round in double precision.
    private func differs(_ schedule: Schedule, from answers: [Double]) -> String? {
        if answers.isEmpty { return "no answers" }
        for (count, answer) in answers.enumerated() {
            let rate = schedule.rate(after: count)
            if !(abs(rate - answer) <= 1e-14 * abs(answer)) { return "\(rate) after \(count), not \(answer)" }
        }
        return nil
    }

    @Test func ratesAreThoseOfPyTorch() {
        #expect(differs(.milestones(0.2, by: 0.3, at: [3, 4, 9]), from: numbers("milestones")) == nil)
        #expect(differs(.exponential(0.2, by: 0.93), from: numbers("exponential")) == nil)
        #expect(differs(.cosineWithRestarts(from: 0.2, to: 0.01, every: 3, growth: 2), from: numbers("restarts")) == nil)
        #expect(differs(.cosineWithRestarts(from: 0.2, every: 4), from: numbers("equalRestarts")) == nil)
        // A test that cannot fail says nothing.
        #expect(differs(.exponential(0.2, by: 0.94), from: numbers("exponential")) != nil)
    }

    @Test func cyclesAreThoseOfPyTorch() {
        func check(_ name: String, _ rate: Schedule, _ momentum: Schedule) {
            let answer = Self.answers.part(name)
            #expect(differs(rate, from: answer.part("rates").doubles) == nil, "rates of \(name)")
            #expect(differs(momentum, from: answer.part("momenta").doubles) == nil, "momenta of \(name)")
        }
        check("cycle", .oneCycle(to: 0.4, over: 21), .cycledMomentum(over: 21))
        check("adamCycle", .oneCycle(to: 0.01, over: 21), .cycledMomentum(over: 21))
        check(
            "linearCycle", .oneCycle(to: 0.4, over: 21, rise: 0.25, startDivisor: 10, endDivisor: 100, shape: .linear),
            .cycledMomentum(from: 0.9, to: 0.8, over: 21, rise: 0.25, shape: .linear))
        check(
            "threePhases", .oneCycle(to: 0.4, over: 21, rise: 0.45, hasThreePhases: true),
            .cycledMomentum(over: 21, rise: 0.45, hasThreePhases: true))
        let cycle = Schedule.oneCycle(to: 0.4, over: 21)
        #expect(cycle.rate(after: 20) == cycle.rate(after: 1000) && abs(cycle.rate(after: 20) - 0.4 / 25 / 1e4) < 1e-18)
    }

    @Test func epochsAreStepsOfASchedule() {
        let updates = Quadrants(count: 40).updatesPerEpoch(batchSize: 9)
        let schedule = Schedule.milestones(1, by: 0.5, at: [2, 3]).inEpochs(of: updates)
        #expect(updates == 5)
        #expect([0, 9, 10, 14, 15, 100].map(schedule.rate(after:)) == [1, 1, 0.5, 0.5, 0.25, 0.25])
    }

    @Test(arguments: TestDevices.all) func momentumFollowsItsCycle(_ device: Device) throws {
        let momentum = Schedule.cycledMomentum(over: 11)
        let rules: [(String, any UpdateRule)] = [
            ("cycledSGD", SGD(momentumFollowing: momentum)), ("cycledNesterov", SGD(momentumFollowing: momentum, isNesterov: true)),
            ("cycledAdam", Adam(beta1Following: momentum)), ("cycledAdamW", AdamW(beta1Following: momentum, weightDecay: 0.1)),
        ]
        for (name, rule) in rules {
            try withDevice(device) {
                let weights = Parameter(Self.answers.part("start").tensor([3]))
                let optimizer = try Optimizer(rule, groups: [ParameterGroup([weights])], learningRate: .oneCycle(to: 0.2, over: 11))
                // Captured, so that the momentum is asked anew at each replay.
                let step = compiled { (gradient: Tensor) in
                    try optimizer.update(with: [gradient])
                    return gradient.sum()
                }
                let path = Self.answers.part(name).array ?? []
                for (gradient, answer) in zip(Self.answers.part("gradients").array ?? [], path) {
                    _ = try step(gradient.tensor([3]))
                    #expect(try weights.tensor.difference(from: answer.doubles, terms: 16) == nil, "\(name)")
                }
                #expect(path.count == 10 && optimizer.updateCount == 10)
            }
        }
    }
}
