import OpenCLBackend
import Soma
import SomaGraph

// Of a convolution as a product, the rows are channels and the columns are pixels of all images; of the gradient of the filter the columns are
// its elements. A name is that of a column of Kernels/tuning/convolution.txt, and the product.
extension KernelCase {
    static func convolutions(_ gpu: AbsentGPU) -> [KernelCase] {
        gpu.tiledProducts(.convolution).flatMap { product in
            let name = "convolution-\(product.column)"
            return [forward(name + "-forward", product), biased(name + "-relu", product), input(name + "-input", product), odd(name + "-odd", product)]
                + [filter(name + "-filter", product, batch: 64)]
        } + gpu.tiledProducts(.convolution, products: 4).map { stridedInput("convolution-\($0.column)-stride-input", $0) }
            + gpu.splitProducts(.convolution).flatMap { product in
                let name = "convolution-\(product.column)-split"
                return [forward(name + "-forward", product, channels: 512), filter(name + "-filter", product, batch: 4096)]
            } + others
    }

    private typealias Product = AbsentGPU.TiledProduct

    /// Images of channels with so many pixels in all.
    private static func images(_ channels: Int, pixels: Int) -> Shape {
        pixels >= 64 ? [pixels / 64, channels, 8, 8] : [1, channels, 4, pixels / 4]
    }

    private static func forward(_ name: String, _ product: Product, channels: Int = 64) -> KernelCase {
        KernelCase(name, images(channels, pixels: product.n), [product.m, channels, 5, 5]) { [convolution($0[0], $0[1], padding: .all(2))] }
    }

    private static func biased(_ name: String, _ product: Product) -> KernelCase {
        KernelCase(name, images(64, pixels: product.n), [product.m, 64, 5, 5], [product.m, 1, 1]) {
            [relu(convolution($0[0], $0[1], padding: .all(2)) + $0[2])]
        }
    }

    /// Three channels and odd images: nothing that is a multiple of four.
    private static func odd(_ name: String, _ product: Product) -> KernelCase {
        KernelCase(name, [max(1, product.n / 25), 3, 5, 5], [product.m, 3, 5, 5]) { [convolution($0[0], $0[1], padding: .all(2))] }
    }

    private static func input(_ name: String, _ product: Product) -> KernelCase {
        KernelCase(name, images(64, pixels: product.n), [64, product.m, 5, 5]) { [transposedConvolution($0[0], $0[1], padding: [2])] }
    }

    private static func stridedInput(_ name: String, _ product: Product) -> KernelCase {
        KernelCase(name, images(64, pixels: product.n), [64, product.m, 5, 5]) {
            [transposedConvolution($0[0], $0[1], stride: [2], padding: [2], outputPadding: [1])]
        }
    }

    private static func filter(_ name: String, _ product: Product, batch: Int) -> KernelCase {
        let channels = max(1, product.n / 25)
        return KernelCase(name, [batch, channels, 8, 8], [product.m, channels, 5, 5], [batch, product.m, 8, 8]) {
            [gradient(of: convolution($0[0], $0[1], padding: .all(2)), withRespectTo: $0[1], seed: $0[2])]
        }
    }

    private static let others = [
        KernelCase("convolution-large-wide", [4096, 64, 128, 128], [128, 64, 5, 5]) { [convolution($0[0], $0[1], padding: .all(2))] },
        KernelCase("convolution-1x1", [32, 256, 56, 56], [128, 256, 1, 1]) { [convolution($0[0], $0[1])] },
        KernelCase("winograd", [32, 128, 56, 56], [128, 128, 3, 3]) { [relu(convolution($0[0], $0[1], padding: .all(1)))] },
        KernelCase("winograd-small", [1, 64, 32, 32], [64, 64, 3, 3]) { [convolution($0[0], $0[1], padding: .all(1))] },
        KernelCase("winograd-input", [32, 128, 56, 56], [128, 128, 3, 3]) { [transposedConvolution($0[0], $0[1], padding: [1])] },
    ]
}
