"""Whether declarations without a comment are found: python3 -m unittest discover -s scripts"""

import json
import pathlib
import tempfile
import unittest

from symbol_graphs import comments, extraction


def symbol(*path, lines=None, location="file:///there/Sources/A/A%20b.swift", line=6, kind="Instance Property"):
    result = {"pathComponents": list(path), "kind": {"displayName": kind}}
    if location:
        result["location"] = {"uri": location, "position": {"line": line, "character": 4}}
    if lines is not None:
        result["docComment"] = {"lines": [{"text": text} for text in lines]}
    return result


class Comments(unittest.TestCase):
    def bare(self, *symbols):
        return [str(one) for one in comments.undocumented(symbols, "/there")]

    def test_a_declaration_without_a_comment_is_told_by_its_place_kind_and_name(self):
        self.assertEqual(self.bare(symbol("Tensor", "shape")), ["Sources/A/A b.swift:7: instance property Tensor.shape"])

    def test_a_comment_without_text_is_none(self):
        self.assertEqual(len(self.bare(symbol("A", lines=[]), symbol("B", lines=["", " "]), symbol("C", lines=["", "Says it."]))), 2)

    def test_a_comment_begins_with_a_sentence(self):
        self.assertEqual(len(self.bare(symbol("A", lines=["- Parameter x: a number."]), symbol("B", lines=["Says it.", "- Throws: an error."]))), 1)

    def test_what_the_compiler_makes_by_itself_needs_none(self):
        self.assertEqual(self.bare(symbol("A", "!=(_:_:)", location=None)), [])

    def test_they_are_in_the_order_of_files_and_lines(self):
        found = self.bare(symbol("B", line=40), symbol("A", line=9), symbol("C", location="file:///there/Sources/A/0.swift", line=99))
        self.assertEqual([line.split(": ")[0] for line in found], ["Sources/A/0.swift:100", "Sources/A/A b.swift:10", "Sources/A/A b.swift:41"])

    def test_extensions_of_types_of_other_modules_are_read_too(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file in ["Soma.symbols.json", "Soma@Swift.symbols.json", "SomaZoo.symbols.json"]:
                (folder / file).write_text(json.dumps({"symbols": [symbol(file)]}))
            found = comments.read(folder, ["Soma", "SomaZoo"])
        self.assertEqual({module: [one["pathComponents"][0] for one in symbols] for module, symbols in found.items()}, {
            "Soma": ["Soma.symbols.json", "Soma@Swift.symbols.json"], "SomaZoo": ["SomaZoo.symbols.json"]})


class Targets(unittest.TestCase):
    def test_library_targets_with_swift_files_in_sources(self):
        package = """
            .executableTarget(name: "Program"), .target(name: "Library", dependencies: ["C"]), .target(
                name: "Other"), .target(name: "C"), .testTarget(name: "Tests"), .target(name: "Elsewhere", path: "Tests/Elsewhere")"""
        with tempfile.TemporaryDirectory() as name:
            sources = pathlib.Path(name)
            for path in ["Program/P.swift", "Library/Folder/L.swift", "Other/O.swift", "C/c.c", "Tests/T.swift"]:
                (sources / path).parent.mkdir(parents=True)
                (sources / path).touch()
            self.assertEqual(extraction.library_targets(package, sources), ["Library", "Other"])

    def test_those_of_this_package(self):
        self.assertTrue({"Soma", "SomaZoo", "SomaGraph", "SomaBackend", "SomaCompiler", "CPUBackend", "OpenCLBackend"} <= set(extraction.targets()))


if __name__ == "__main__":
    unittest.main()
