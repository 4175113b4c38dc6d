import CTables

/// 344 penguins of three species, embedded in the program: no download, no file.
///
/// Columns: `species`, `island` and `sex` in words; `bill_length_mm`, `bill_depth_mm`, `flipper_length_mm`, `body_mass_g` and `year` in numbers. Two
/// penguins were not measured, and of eleven the sex is not known.
public enum Penguins {
    /// Who made the data, and on what terms it is shared.
    public static let attribution = """
        Palmer Archipelago (Antarctica) penguin data, A. M. Horst, A. P. Hill and K. B. Gorman, 2020, \
        https://doi.org/10.5281/zenodo.3960218, CC0
        """

    /// All rows, as a CSV file has them.
    public static let table: DataTable = {
        let region = ByteRegion(UnsafeRawBufferPointer(start: soma_penguins, count: soma_penguins_size))
        do { return try DataTable(CSVFile(region: region, path: "penguins.csv")) } catch { fatalError("embedded \(error)") }
    }()
}
