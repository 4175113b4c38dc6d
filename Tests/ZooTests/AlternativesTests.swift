import Soma
import SomaReference
import Testing

@testable import SomaZoo

extension OnTheCPU {
    @Suite struct AlternativesTests {
        private let recipe = AlternativesRecipe()
        private let device = try! Device.named("cpu")
        /// Networks so small and trained so briefly that a trial takes no time.
        private let small = ["hidden=8", "updates=10", "trees=5", "rounds=3"]

        private func run(
            _ words: [String], data: String? = nil, output: String? = nil, resume: String? = nil, on device: Device? = nil,
            isInterrupted: @escaping () -> Bool = { false }
        ) throws -> Record {
            try record(
                recipe, on: device ?? self.device, small + words, epochs: 1, data: data, output: output, resume: resume, isInterrupted: isInterrupted)
        }

        /// The figures that the seed decides: neither seconds nor what the system counts.
        private func decided(_ measures: [String: Double]) -> [String: Double] {
            measures.filter { !$0.key.hasSuffix("_seconds") && !$0.key.hasSuffix("_peak_bytes") }
        }

        @Test func comparesOnDigitsAndATable() throws {
            let output = try TemporaryFolder()
            let words = ["models=mlp,lenet,svm,forest,extra-trees,boosted,knn,linear,tree,bayes", "shares=0.3,0.02", "dropout=0"]
            let run = try run(words, output: output.path)
            #expect(run.messages.count == 20 + 18 && run.messages.first?.hasPrefix("1 of 38: digits, mlp, 2 % (29 samples): accuracy ") == true)
            #expect(run.messages.last?.hasPrefix("38 of 38: penguins, bayes, 30 % (83 samples): accuracy ") == true)
            #expect(output.names == ["digits-time.svg", "digits.svg", "last.safetensors", "penguins-time.svg", "penguins.svg", "results.csv"])
            #expect(run.files.count == 5 && run.tables.map { $0.rows.count } == [20, 18])
            let table = try DataTable(path: "\(output.path)/results.csv")
            #expect(table.rowCount == 38 && table.names.prefix(4) == ["data", "model", "share", "samples"])
            // What the file says is what is measured, and more samples serve better.
            let measures = run.result.measures
            for row in (0..<table.rowCount).map(table.row) {
                let key = "\(row[0])_\(row[1])_\(row[2])"
                #expect(measures["\(key)_accuracy"] == Double(row[5]) && measures["\(key)_training_seconds"] == Double(row[6]), "\(key)")
                #expect(measures["\(key)_model_bytes"] == Double(row[8]) && measures["\(key)_peak_bytes"] == Double(row[9]), "\(key)")
                #expect(try #require(Double(row[6])) > 0 && #require(Double(row[7])) > 0, "\(key)")
            }
            for model in ["svm", "forest", "knn", "linear", "tree"] {
                let accuracies = try ["0.02", "0.3"].map { try #require(measures["digits_\(model)_\($0)_accuracy"]) }
                #expect(accuracies[1] > max(accuracies[0], 0.6), "\(model): \(accuracies)")
            }
            // 64·8 + 8 + 8·10 + 10 parameters of 4 bytes; the rows that are kept with their classes.
            #expect(measures["digits_mlp_0.3_model_bytes"] == Double(4 * 610))
            #expect(measures["digits_knn_0.3_model_bytes"] == Double(4 * (431 * 65 + 2)))
            let svg = String(decoding: try contents("\(output.path)/digits.svg"), as: UTF8.self)
            #expect(svg.contains("extra-trees") && svg.contains("accuracy"))
        }

        @Test func theSeedDecides() throws {
            let words = ["models=mlp,forest,svm", "shares=0.05", "digits=no"]
            let (first, second) = (try run(words).result.measures, try run(words).result.measures)
            #expect(decided(first) == decided(second) && decided(first).count == 6)
        }

        /// A smaller share is a part of a larger one, with as much of each class.
        @Test func sharesAreNested() throws {
            var context = RecipeContext(recipe, device: device, seed: 3)
            context.settings = Settings(recipe)
            let digits = try AlternativesProblem.digits(context, recipe: "alternatives")
            let shares = [0.01, 0.1, 0.5, 1].map { digits.samples(of: $0) }
            #expect(shares.map(\.count) == [14, 144, 719, 1438] && shares[3].sorted() == Array(0..<1438))
            for (small, large) in zip(shares, shares.dropFirst()) { #expect(Array(large.prefix(small.count)) == small) }
            for samples in shares {
                for label in 0..<10 {
                    let all = digits.training.classes.count { $0 == label }, found = samples.count { digits.training.classes[$0] == label }
                    #expect(abs(Double(found) - Double(all * samples.count) / 1438) <= 1, "\(label) of \(samples.count)")
                }
            }
            // Pictures and vectors are the same samples.
            func labels(_ data: any DataSet) throws -> [Int32]? {
                try BatchLoader(data, batchSize: data.count, seed: nil, epochs: 1).next()?.values(of: "label", as: Int32.self)
            }
            #expect(try labels(digits.vectors.heldOut) == labels(#require(digits.pictures?.heldOut)))
            #expect(try labels(digits.vectors.training) == digits.training.classes.map { Int32($0) })
        }

        @Test func goesOnWithTheTrialsThatAreLeft() throws {
            let folder = try TemporaryFolder()
            let words = ["models=svm,mlp,tree", "shares=0.02,0.2", "tables=none"]
            let whole = try run(words)
            var asked = 0
            // Asked before each of two machines, before the first network, and after its first update.
            let first = try run(words, output: folder.path, isInterrupted: {
                asked += 1
                return asked == 4
            })
            let last = "\(folder.path)/last.safetensors"
            #expect(first.result.isInterrupted && first.messages.count == 2 && first.result.checkpoint == last)
            #expect(first.interruptions == ["at digits, mlp, 2 %"] && first.files.isEmpty)
            let kept = first.result.measures
            let second = try run(words, output: folder.path, resume: last)
            #expect(second.checkpoints.count == 4 && second.messages.count == 6, "two of six trials are not made again")
            #expect(decided(second.result.measures) == decided(whole.result.measures))
            // Seconds too are those of the first run, where a trial was made there.
            for (key, value) in kept { #expect(second.result.measures[key] == value, "\(key)") }
            #expect(throws: SomaError.self) { try record(recipe, on: device, small + words, epochs: 2, resume: last) }
            // Once all are done none is left.
            #expect(try run(words, output: folder.path, resume: last).checkpoints.isEmpty)
        }

        /// A checkpoint may come from anywhere.
        @Test func refusesBrokenTrials() throws {
            let folder = try TemporaryFolder()
            let words = ["models=tree", "shares=0.02", "tables=none"]
            _ = try run(words, output: folder.path)
            let file = try SafetensorsFile(path: "\(folder.path)/last.safetensors"), broken = "\(folder.path)/broken.safetensors"
            for values in [[1, 0.5], [29, 0.5, 0.1, 0.1, 1e300, 0], [.nan, 0.5, 0.1, 0.1, 740, 0]] as [[Double]] {
                let tensor = SafetensorsFile.Tensor(name: "digits_tree_0.02", elementType: .float64, shape: [values.count])
                try SafetensorsFile.write([(tensor: tensor, bytes: values.withUnsafeBytes { Array($0) })], metadata: file.metadata, to: broken)
                #expect { try run(words, resume: broken) } throws: { "\($0)".contains("'digits_tree_0.02' is no trial of a model") }
            }
        }

        private func write(_ folder: TemporaryFolder, _ name: String, _ last: String) throws -> String {
            let lines = (0..<60).map { "\($0 % 7),\($0 % 5),\(3 * ($0 % 7)).\(10 + $0)" } + [last]
            try AtomicFile.write((["x,y,z"] + lines).joined(separator: "\n"), to: "\(folder.path)/\(name)")
            return "\(folder.path)/\(name)"
        }

        /// Numbers are told by R²; what does not suit them takes no part.
        @Test func tellsNumbers() throws {
            let folder = try TemporaryFolder()
            let path = try write(folder, "a table.csv", "1,2,3")
            let models = "models=linear,tree,mlp,lenet,bayes,svm,knn,boosted,forest"
            let words = ["digits=no", "tables=\(path):z", models, "shares=1", "updates=300", "hidden=16"]
            let run = try record(recipe, on: device, ["trees=5"] + words, epochs: 1, output: folder.path)
            #expect(run.messages.count == 7 && run.tables.first?.columns[3] == "R²")
            for model in ["linear", "tree", "mlp"] { #expect(try #require(run.result.measures["a_table_\(model)_1_r2"]) > 0.8, "\(model)") }
            #expect(folder.names.contains("a_table.svg"))
            // Another table than the run's.
            _ = try write(folder, "a table.csv", "1,2,4")
            #expect { try record(recipe, on: device, ["trees=5"] + words, epochs: 1, resume: "\(folder.path)/last.safetensors") } throws: {
                "\($0)".contains("is not the table that")
            }
        }

        @Test(arguments: [
            (["shares=0"], "each above 0 and at most 1"), (["shares=1.1"], "at most 1"), (["shares=0.1,0.1"], "once"),
            (["models=oak"], "models=oak: models is one of mlp, lenet, svm"), (["models=none"], "one model at least"),
            (["shares=0.001", "models=svm"], "shares=0.001 of digits are 1 sample, and nothing can be learnt from one"),
            (["shares=0.004", "models=svm"], "shares=0.004 of digits are 6 samples, without any of the class"),
            (["neighbours=15", "models=svm,knn"], "shares=0.01 of digits are 14 samples, too few for neighbours=15: take a larger share"),
            (["tables=penguins,penguins"], "called penguins"), (["tables=credit.csv"], "penguins or FILE.csv:TARGET"),
            (["digits=no", "tables=none"], "leave nothing to learn"), (["digits=no", "models=lenet"], "none of them learns what penguins asks for"),
            (["penalty=0"], "penalty=0 is for numbers"),
        ])
        func refuses(_ words: [String], _ text: String) throws {
            #expect { try run(words) } throws: { $0 is UsageError && "\($0)".contains(text) && !"\($0)".contains("\n") }
        }

        /// The chart of the times of a.csv would lie where that of a-time.csv does.
        @Test func refusesChartsOfOneName() throws {
            let folder = try TemporaryFolder()
            let paths = try ["a.csv", "a-time.csv"].map { try write(folder, $0, "1,2,3") }
            let words = ["digits=no", "tables=\(paths[0]):z,\(paths[1]):z", "models=knn", "shares=1"]
            #expect { try run(words) } throws: { "\($0)".contains("a-time.svg would be the chart of a-time and that of another's times") }
        }

        /// Each embedded digit is held out of one fold; files have a part of their own to test on.
        @Test func folds() throws {
            var context = RecipeContext(recipe, device: device, seed: 2)
            context.settings = try Settings(recipe, arguments: small + ["models=tree,knn", "shares=1"])
            let problems = try (0..<3).map { fold in
                context.fold = Fold(fold, of: 3)
                return try AlternativesProblem.digits(context, recipe: recipe.name)
            }
            #expect(problems.map { $0.heldOut.classes.count } == [599, 599, 599] && problems.allSatisfy { $0.training.classes.count == 1198 })
            for label in 0..<10 {
                let counts = problems.map { $0.heldOut.classes.count { $0 == label } }
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(label): \(counts)")
            }
            let result = try CrossValidation(recipe, context, folds: 3)
            let names = ["digits", "penguins"].flatMap { data in ["tree", "knn"].map { "\(data)_\($0)_accuracy" } }
            #expect(result.summaries.map(\.figure.name) == names)
            #expect(result.summaries[1].mean > 0.97 && result.summaries[1].deviation > 0)
            context.data = "/nowhere"
            #expect { try recipe.run(context) } throws: { "\($0)".contains("dealt to no folds") }
        }

        /// The networks are trained on the device, the others on the processor.
        @Test func runsOnADeviceOfOpenCL() throws {
            guard let other = Device.all().first(where: { $0.name == "opencl:0" }) else { return }
            let words = ["models=mlp,tree", "shares=0.05", "tables=none"]
            let device = try Device.named(other.name)
            let (there, here) = (try run(words, on: device).result.measures, try run(words).result.measures)
            #expect(Set(there.keys) == Set(here.keys) && there["digits_tree_0.05_accuracy"] == here["digits_tree_0.05_accuracy"])
            #expect(try #require(there["digits_mlp_0.05_peak_bytes"]) > 0)
            var context = RecipeContext(recipe, device: device, seed: 1)
            context.settings = try Settings(recipe, arguments: small)
            #expect(try device.firstDivergence(of: recipe.probe(context), against: self.device) == nil)
            context.settings = try Settings(recipe, arguments: ["models=svm"])
            #expect { _ = try recipe.probe(context) } throws: { "\($0)".contains("none is a network") }
        }

        /// Where the system tells, memory that is taken and given back is seen.
        @Test func seesAPeakOfMemory() {
            let (sum, peak) = ResidentMemory.measuringPeak {
                [UInt8](repeating: 1, count: 50 << 20).withUnsafeBytes { Int($0[7]) + Int($0[40 << 20]) }
            }
            #expect(sum == 2)
            if let peak { #expect((45 << 20)...(80 << 20) ~= peak, "\(peak)") }
        }
    }
}
