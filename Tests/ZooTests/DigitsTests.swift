import Glibc
import Soma
import SomaZoo
import Testing

extension OnTheCPU {
    @Suite struct DigitsTests {
        private let recipe = DigitsRecipe()

        @Test func readsTheHeldOutDigits() throws {
            let seeds: [UInt64] = [1, 2, 3]
            let accuracies = try seeds.map { try #require(record(recipe, on: try .named("cpu"), seed: $0).result.test["accuracy"]) }
            #expect(accuracies.reduce(0, +) / 3 >= 0.965)
        }

        @Test func holdsOutAFifthThatNoSeedChanges() throws {
            let (training, heldOut) = DigitsRecipe.dataSets
            #expect(training.count == 1438 && heldOut.count == 359)
            let pictures = try [training, heldOut].map { set in
                let loader = try BatchLoader(set, batchSize: set.count, seed: nil, epochs: 1)
                let batch = try #require(try loader.next())
                return batch.values(of: "image", as: Float.self)
            }
            let (seen, held) = (rows(pictures[0]), rows(pictures[1]))
            // All digits are there; a few of them are equal.
            #expect(seen.count + held.count == 1797)
            #expect(Set(seen + held) == Set(try allPictures()))
            #expect(held == rows(try heldOutPictures()))
        }

        private func rows(_ values: [Float]) -> [[Float]] { (0..<values.count / 64).map { Array(values[$0 * 64..<$0 * 64 + 64]) } }

        private func allPictures() throws -> [[Float]] {
            let loader = try BatchLoader(Digits.dataSet, batchSize: 1797, seed: nil, epochs: 1)
            return rows(try #require(try loader.next()).values(of: "image", as: Float.self))
        }

        private func heldOutPictures() throws -> [Float] {
            let loader = try BatchLoader(DigitsRecipe.dataSets.heldOut, batchSize: 359, seed: nil, epochs: 1)
            return try #require(try loader.next()).values(of: "image", as: Float.self)
        }

        @Test func sameSeedSameBits() throws {
            let folders = [try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder()]
            for (folder, seed) in zip(folders, [5, 5, 6] as [UInt64]) {
                _ = try record(recipe, on: try .named("cpu"), seed: seed, epochs: 2, output: folder.path)
            }
            let files = try folders.map { try contents("\($0.path)/last.safetensors") }
            #expect(files[0] == files[1])
            #expect(files[0] != files[2])
        }

        @Test func goesOnBitByBit() throws {
            let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
            let device = try Device.named("cpu")
            _ = try record(recipe, on: device, epochs: 3, output: whole.path)
            var updates = 0
            let first = try record(recipe, on: device, epochs: 3, output: parts.path, isInterrupted: {
                updates += 1
                return updates == 70
            })
            #expect(first.result.isInterrupted)
            let last = "\(parts.path)/last.safetensors"
            let second = try record(recipe, on: device, epochs: 3, output: parts.path, resume: last)
            #expect(second.result.epochs == 3)
            for name in ["last", "best"] {
                #expect(try contents("\(parts.path)/\(name).safetensors") == contents("\(whole.path)/\(name).safetensors"))
            }
        }

        @Test func choosesSettingsWithoutTheTestSet() throws {
            let run = try record(recipe, on: try .named("cpu"), ["validation=288"], epochs: 2)
            let (validation, test) = (run.result.measures["validation_accuracy"], run.result.test["accuracy"])
            #expect(run.epochs.last?.evaluation?["accuracy"] == validation)
            #expect(run.epochs.allSatisfy { $0.evaluation?.sampleCount == 288 })
            #expect(test != nil)
            #expect(throws: UsageError.self) { try record(recipe, on: try .named("cpu"), ["validation=1438"]) }
        }

        @Test func predictsFromACheckpoint() throws {
            let folder = try TemporaryFolder()
            let device = try Device.named("cpu")
            let run = try record(recipe, on: device, ["hidden=48"], epochs: 6, output: folder.path)
            let checkpoint = try Checkpoint(path: "\(folder.path)/last.safetensors")
            let saved = try SavedRun(checkpoint)
            let session = try saved.recipe.session(checkpoint, device: device)
            let loader = try BatchLoader(DigitsRecipe.dataSets.heldOut, batchSize: 359, seed: nil, epochs: 1)
            let batch = try #require(try loader.next())
            let probabilities = try session.answers(to: rows(batch.values(of: "image", as: Float.self)))
            let labels = batch.values(of: "label", as: Int32.self)
            var right = 0
            for (row, label) in zip(probabilities, labels) {
                #expect(abs(row.reduce(0, +) - 1) < 1e-5)
                if row.firstIndex(of: row.max() ?? 0) == Int(label) { right += 1 }
            }
            #expect(run.result.test["accuracy"].map { abs($0 - Double(right) / 359) < 1e-6 } == true)
        }

        @Test func writesTheUntrainedNetwork() throws {
            let folder = try TemporaryFolder()
            let run = try record(recipe, on: try .named("cpu"), ["hidden=8"], epochs: 0, output: folder.path)
            #expect(run.result.checkpoint == "\(folder.path)/last.safetensors" && folder.names == ["last.safetensors"])
            #expect(try record(recipe, on: try .named("cpu"), ["hidden=8"], epochs: 0).result.checkpoint == nil)
        }

        /// No weight is drawn and no memory taken for a network that has no room, or that is not what a file holds.
        @Test(.timeLimit(.minutes(15))) func refusesWhatIsTooLarge() throws {
            let device = try Device.named("cpu")
            let huge = ["hidden=65536,65536,65536,65536"]
            let before = residentPeak()
            #expect { try record(recipe, on: device, huge) } throws: { error in
                guard case .outOfMemory(let asked, let available, _)? = error as? BackendError else { return false }
                return asked > 200_000_000_000 && available < asked
            }
            let folder = try TemporaryFolder()
            _ = try record(recipe, on: device, ["hidden=8"], epochs: 1, output: folder.path)
            let file = try SafetensorsFile(path: "\(folder.path)/last.safetensors")
            var metadata = file.metadata
            metadata["setting.hidden"] = "65536,65536,65536,65536"
            let lie = "\(folder.path)/lie.safetensors"
            try SafetensorsFile.write(file.tensors, metadata: metadata, to: lie) { tensor, append in
                try file.withBytes(of: tensor.name, append)
            }
            let checkpoint = try Checkpoint(path: lie)
            #expect(throws: SomaError.self) { try recipe.session(checkpoint, device: device) }
            #expect(throws: SomaError.self) { try record(recipe, on: device, huge, resume: lie) }
            #expect(residentPeak() - before < 1 << 30)
        }

        /// The most memory that this process ever had, in bytes.
        private func residentPeak() -> Int {
            var usage = rusage()
            getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        }

        @Test func refusesACheckpointOfAnotherRecipe() throws {
            let folder = try TemporaryFolder()
            _ = try record(XorRecipe(), on: try .named("cpu"), ["sweeps=2"], epochs: 1, output: folder.path)
            let checkpoint = try Checkpoint(path: "\(folder.path)/last.safetensors")
            #expect(throws: SomaError.self) { try recipe.session(checkpoint, device: .named("cpu")) }
            #expect(throws: SomaError.self) { try XorRecipe().session(checkpoint, device: .named("cpu")) }
        }
    }
}
