// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Soma",
    products: [
        .library(name: "Soma", targets: ["Soma"]),
        .library(name: "SomaEstimators", targets: ["SomaEstimators"]),
        .library(name: "SomaZoo", targets: ["SomaZoo"]),
        .executable(name: "soma", targets: ["SomaCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        // The house, top to bottom. An arrow may only point down this list.
        .executableTarget(
            name: "SomaCLI",
            dependencies: ["SomaZoo", "Soma", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
        .target(name: "SomaZoo", dependencies: ["Soma", "SomaEstimators"]),
        .target(name: "SomaEstimators", dependencies: ["Soma", "CEstimators", "CPUKernels"]),
        .target(name: "Soma", dependencies: ["SomaCompiler", "CPUBackend", "OpenCLBackend", "CLibraries", "CImages", "CDigits", "CTables", "CTexts"]),
        .target(name: "OpenCLBackend", dependencies: ["SomaBackend", "CLibraries", "Kernels"]),
        .target(name: "CPUBackend", dependencies: ["SomaBackend", "CLibraries", "CPUKernels"]),
        .target(name: "SomaCompiler", dependencies: ["SomaBackend"]),
        .target(name: "SomaBackend", dependencies: ["SomaGraph"]),
        .target(name: "SomaGraph"),

        // C: kernels' text, vector loops, and the headers of libraries.
        .target(name: "Kernels", path: "Kernels", sources: ["src"], publicHeadersPath: "include"),
        .target(name: "CPUKernels", dependencies: ["CLibraries"]),
        .target(name: "CEstimators", dependencies: ["CPUKernels"]),
        .target(name: "CLibraries", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CImages", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("z")]),
        .target(name: "CDigits", exclude: ["data"]),
        .target(name: "CTables", exclude: ["data"]),
        .target(name: "CTexts", exclude: ["data"]),

        // Writes the text of kernels for scripts/kernel-report.
        .executableTarget(
            name: "KernelTexts",
            dependencies: ["Soma", "OpenCLBackend", "SomaBackend", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

        // The programs of the README and the pages, and such as people begin with.
        .executableTarget(name: "ExampleDigits", dependencies: ["Soma"], path: "Examples/Digits"),
        .executableTarget(name: "ExampleFineTuning", dependencies: ["SomaZoo", "Soma"], path: "Examples/FineTuning"),
        .executableTarget(name: "ExampleRecipe", dependencies: ["SomaZoo", "Soma"], path: "Examples/Recipe"),
        .executableTarget(name: "ExampleTask", dependencies: ["Soma"], path: "Examples/Task"),
        .executableTarget(name: "ExampleResidualNetwork", dependencies: ["Soma"], path: "Examples/ResidualNetwork"),
        .executableTarget(name: "ExampleAutoencoder", dependencies: ["Soma"], path: "Examples/Autoencoder"),
        .executableTarget(name: "ExampleAdversaries", dependencies: ["Soma"], path: "Examples/Adversaries"),
        .executableTarget(name: "ExampleRegression", dependencies: ["Soma"], path: "Examples/Regression"),
        .executableTarget(name: "ExampleTimedProduct", dependencies: ["Soma"], path: "Examples/TimedProduct"),

        // The reference in double precision and the cases of operations, for the tests of every backend. It is optimised in debug builds too: tests wait
        // for it most of their time. No product has it, so packages that depend on this one are not concerned.
        .target(
            name: "SomaReference", dependencies: ["Soma", "SomaBackend", "SomaGraph"], path: "Tests/Reference",
            swiftSettings: [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "CPUBackendTests",
            dependencies: ["CPUBackend", "CPUKernels", "CLibraries", "Soma", "SomaBackend", "SomaGraph", "SomaReference"]),
        .testTarget(name: "KernelTests", dependencies: ["Kernels"]),
        .testTarget(
            name: "OpenCLTests",
            dependencies: ["OpenCLBackend", "Soma", "SomaBackend", "SomaCompiler", "SomaGraph", "SomaReference"]),
        .testTarget(name: "TensorTests", dependencies: ["Soma", "SomaBackend", "SomaReference"], exclude: ["fixtures"]),
        .testTarget(name: "LayerTests", dependencies: ["Soma", "SomaReference"], exclude: ["fixtures"]),
        .testTarget(name: "DataTests", dependencies: ["Soma", "SomaBackend", "SomaReference", "CDigits", "CLibraries"], exclude: ["fixtures"]),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "SomaCLI", "ExampleDigits", "ExampleFineTuning", "ExampleRecipe", "ExampleTask", "ExampleTimedProduct", "ExampleResidualNetwork",
                "ExampleAutoencoder", "ExampleAdversaries", "ExampleRegression", "SomaZoo", "Soma", "SomaBackend", "SomaGraph",
            ]),
        .testTarget(
            name: "ZooTests", dependencies: ["SomaZoo", "Soma", "SomaBackend", "SomaCompiler", "SomaGraph", "SomaReference"], exclude: ["fixtures"]),
        .testTarget(name: "EstimatorTests", dependencies: ["SomaEstimators", "Soma", "CPUKernels"], exclude: ["fixtures"]),
        .testTarget(name: "MutationTests", dependencies: ["SomaCLI", "SomaZoo", "Soma", "OpenCLBackend", "SomaBackend", "SomaGraph"]),
        .testTarget(name: "CompilerTests", dependencies: ["Soma", "SomaCompiler", "SomaGraph", "SomaReference"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c2x
)
