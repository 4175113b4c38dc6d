import CDigits

/// 1,797 real handwritten digits of 8×8 pixels, embedded in the program: no download, no file.
public enum Digits {
    /// Who made the data, and on what terms it is shared.
    public static let attribution = """
        Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, \
        https://doi.org/10.24432/C50P49, licensed under CC BY 4.0
        """

    /// The largest value of a pixel; the smallest, the paper's white, is 0.
    public static let maximumPixel: UInt8 = 16

    /// The images, uint8 [1797, 8, 8].
    public static let images = embedded(soma_digits_images, soma_digits_images_size, "digits-images-idx3-ubyte")

    /// The classes 0 to 9, uint8 [1797].
    public static let labels = embedded(soma_digits_labels, soma_digits_labels_size, "digits-labels-idx1-ubyte")

    private static func embedded(_ first: UnsafePointer<UInt8>, _ size: Int, _ name: String) -> IDXFile {
        let region = ByteRegion(UnsafeRawBufferPointer(start: first, count: size))
        do { return try IDXFile(region: region, path: name) } catch { fatalError("embedded \(error)") }
    }
}
